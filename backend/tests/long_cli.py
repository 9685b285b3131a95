"""Servers and demos side by side, their workers, and how they end."""

import signal
import time

import httpx

from expenses.database.embedded import running
from tests.command_line import ACCOUNT, CommandLineTestCase
from tests.harness import ticket_json


class Serve(CommandLineTestCase):
    def test_every_way_to_end_it_ends_its_postgres_too(self) -> None:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        folders = [self.data_dir / number.name for number in numbers]
        servers = [self.spawn("serve", DATA_DIR=str(folder)) for folder in folders]
        for number, folder, started in zip(numbers, folders, servers, strict=True):
            with self.subTest(signal=number.name):
                process = self.wait_until_ready(started).process
                self.assertTrue(self.has_postgres(folder))
                self.end(process, number)
                self.assertFalse(self.has_postgres(folder))

    def test_after_a_kill_the_next_start_has_every_committed_row(self) -> None:
        process, address, _ = self.start("serve")
        client = self.register(address)
        ticket = client.post("/api/tickets", json=ticket_json()).json()
        process.kill()
        process.wait()
        process, address, _ = self.start("serve")
        # The secret key was kept as well: whoever was logged in still is.
        answer = httpx.get(f"{address}/api/tickets", headers=dict(client.headers))
        self.assertEqual(answer.json()["items"], [ticket])
        self.end(process)
        self.assertFalse(self.has_postgres())

    def test_two_servers_that_start_at_once_share_one_data_folder(self) -> None:
        first, second = [
            self.wait_until_ready(one) for one in (self.spawn("serve"), self.spawn("serve"))
        ]
        client = self.register(first.address)
        answer = httpx.get(f"{second.address}/api/me", headers=dict(client.headers))
        self.assertEqual(answer.json()["email"], ACCOUNT["email"])
        self.end(first.process)
        self.assertEqual(httpx.get(f"{second.address}/ready").status_code, 200)
        self.end(second.process)
        self.assertFalse(self.has_postgres())

    def test_several_workers_serve_and_end_together(self) -> None:
        process, address, _ = self.start("serve", "--workers", "2")
        client = self.register(address)
        for _ in range(10):
            self.assertEqual(client.get("/api/me").status_code, 200)
        self.end(process)
        self.assertFalse(self.has_postgres())

    def test_workers_do_not_outlive_a_killed_parent(self) -> None:
        process, address, _ = self.start("serve", "--workers", "2")
        process.kill()
        process.wait()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{address}/health")
            except httpx.TransportError:
                break
            time.sleep(0.1)
        else:
            self.fail("The workers are still there.")
        with running(self.data_dir):
            pass

    def test_the_secret_key_is_made_once_and_private(self) -> None:
        path = self.data_dir / "secret_key"
        process, *_ = self.start("serve")
        self.end(process)
        key = path.read_text()
        self.assertGreaterEqual(len(key), 32)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        process, *_ = self.start("serve")
        self.end(process)
        self.assertEqual(path.read_text(), key)


class Demo(CommandLineTestCase):
    def test_two_demos_at_once_print_who_can_log_in(self) -> None:
        servers = [self.spawn("demo"), self.spawn("demo")]
        for process, address, log in map(self.wait_until_ready, servers):
            printed = log.read_text()
            self.assertIn(address, printed)
            self.assertIn("dana@contoso.example", printed)
            password = printed.partition("password of all of them: ")[2].split()[0]
            answer = httpx.post(
                f"{address}/api/session",
                json={"email": "dana@contoso.example", "password": password},
            )
            self.assertEqual(answer.status_code, 200)
            self.end(process)
