"""Mails and the webhook with server processes that work side by side, end, and are killed."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.fill import connected
from tests.command_line import CommandLineTestCase, Running, execute, free_port
from tests.harness import PASSWORD, new_database, ticket_json
from tests.receivers import Hook, MailBox, Posted, listening_hook

SECRET = "a secret of the webhook's"
PATIENCE = 30
WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


class MessagesTestCase(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = new_database()
        self.mail_box = MailBox(port=free_port())
        self.hook: Hook = self.enterContext(listening_hook())

    def serve(self) -> Running:
        return self.spawn(
            "serve",
            DATABASE_URL=self.url,
            SECRET_KEY="the same secret key for all of them",
            SMTP_URL=self.mail_box.url,
            WEBHOOK_URL=self.hook.url,
            WEBHOOK_SECRET=SECRET,
        )

    def start_two(self) -> tuple[Running, Running]:
        started = self.serve(), self.serve()
        here, there = map(self.wait_until_ready, started)
        self.ada, self.dana = (
            self.register_as(here, name, role)
            for name, role in (("ada", "employee"), ("dana", "employer"))
        )
        return here, there

    def register_as(self, server: Running, name: str, role: str) -> dict[str, str]:
        account = {"email": f"{name}@contoso.example", "password": PASSWORD}
        answer = httpx.post(
            f"{server.address}/api/users", json=account | {"username": name, "role": role}
        )
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['token']}"}

    def file(self, server: Running) -> int:
        answer = httpx.post(
            f"{server.address}/api/tickets", json=ticket_json(), headers=self.ada
        ).raise_for_status()
        number: int = answer.json()["id"]
        return number

    def approve(self, server: Running, number: int) -> None:
        path = f"{server.address}/api/tickets/{number}/approve"
        httpx.post(path, headers=self.dana).raise_for_status()

    def in_the_outbox(self) -> list[tuple[object, ...]]:
        return asyncio.run(execute(self.url, "SELECT channel, attempts FROM outbox ORDER BY id"))

    def make_due(self) -> None:
        """As after the lease of whoever has claimed them, and after all waiting."""
        asyncio.run(execute(self.url, "UPDATE outbox SET due_at = now()"))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            self.assertLess(time.monotonic(), deadline, self.in_the_outbox())
            time.sleep(0.05)

    def assert_signed(self, posted: Posted) -> None:
        at = posted.headers["expenses-timestamp"]
        expected = hmac.new(SECRET.encode(), f"{at}.".encode() + posted.body, hashlib.sha256)
        self.assertEqual(posted.headers["expenses-signature"], f"sha256={expected.hexdigest()}")


class SideBySide(MessagesTestCase):
    def test_each_message_is_sent_once_whoever_sends_it(self) -> None:
        self.enterContext(self.mail_box)
        here, there = self.start_two()
        numbers = [self.file(here) for _ in range(20)]
        with ThreadPoolExecutor(8) as threads:
            for index, number in enumerate(numbers):
                threads.submit(self.approve, (here, there)[index % 2], number)
        self.wait_until(lambda: not self.in_the_outbox())
        self.assertEqual(
            sorted(mail["Subject"] for mail in self.mail_box.mails),
            sorted(f"Ticket {number} is approved: $12.50" for number in numbers),
        )
        self.assertEqual(len(set(self.mail_box.ids)), 20)
        told = [json.loads(posted.body) for posted in self.hook.posted]
        self.assertEqual(sorted(body["ticket"]["id"] for body in told), numbers)
        self.assertEqual(len({body["id"] for body in told}), 20)
        for posted in self.hook.posted:
            self.assert_signed(posted)

    def test_a_mail_server_that_hangs_holds_up_no_decision_and_no_webhook(self) -> None:
        self.enterContext(self.mail_box)
        here, _ = self.start_two()
        self.mail_box.takes_mails.clear()
        for _ in range(5):
            self.approve(here, self.file(here))
        self.assertTrue(self.mail_box.has_begun.wait(PATIENCE))
        self.wait_until(lambda: len(self.hook.posted) == 5)
        self.assertEqual(self.mail_box.mails, [])
        self.mail_box.takes_mails.set()
        self.wait_until(lambda: not self.in_the_outbox())
        self.assertEqual(len(set(self.mail_box.ids)), 5)


class Killed(MessagesTestCase):
    def test_between_commit_and_sending_another_process_sends_it(self) -> None:
        here, there = self.start_two()
        number = self.file(here)
        # Nobody listens yet.
        self.approve(here, number)
        here.process.kill()
        here.process.wait()
        self.enterContext(self.mail_box)
        while self.in_the_outbox():
            self.make_due()
            time.sleep(0.2)
        self.assertEqual(
            [mail["Subject"] for mail in self.mail_box.mails],
            [f"Ticket {number} is approved: $12.50"],
        )
        self.end(there.process)

    def test_while_it_sends_another_one_sends_it_again_as_the_same(self) -> None:
        self.enterContext(self.mail_box)
        here, _ = self.start_two()
        self.mail_box.takes_mails.clear()
        self.approve(here, self.file(here))
        self.assertTrue(self.mail_box.has_begun.wait(PATIENCE))
        here.process.kill()
        here.process.wait()
        # The other one leaves it alone for as long as the first may still be at it.
        [(channel, attempts)] = [row for row in self.in_the_outbox() if row[0] == "mail"]
        self.assertEqual((channel, attempts), ("mail", 0))
        self.mail_box.takes_mails.set()
        self.make_due()
        self.wait_until(lambda: not self.in_the_outbox())
        self.assertGreaterEqual(len(self.mail_box.mails), 1)
        self.assertEqual(len(set(self.mail_box.ids)), 1)

    def test_before_the_commit_nothing_is_told(self) -> None:
        self.enterContext(self.mail_box)
        here, _ = self.start_two()
        number = self.file(here)
        asyncio.run(self.approve_and_kill(here, number))
        self.assertEqual(self.in_the_outbox(), [])
        self.assertEqual(
            asyncio.run(execute(self.url, "SELECT FROM events WHERE action = 'ticket.approved'")),
            [],
        )
        self.assertEqual((self.mail_box.mails, self.hook.posted), ([], []))

    async def approve_and_kill(self, server: Running, number: int) -> None:
        """The decision waits for a row that somebody else has; meanwhile its process is killed."""
        async with connected(self.url) as connection, connection.transaction():
            await connection.execute("SELECT FROM tickets WHERE id = $1 FOR UPDATE", number)
            asking = asyncio.create_task(asyncio.to_thread(self.approve, server, number))
            while not await connection.fetchval(WAITING):
                await connection.execute("SELECT pg_sleep(0.05)")
            server.process.kill()
            with self.assertRaises(httpx.TransportError):
                await asking


class Ending(MessagesTestCase):
    def test_what_is_being_sent_is_sent_to_the_end(self) -> None:
        self.enterContext(self.mail_box)
        self.mail_box.seconds = 1
        here, there = self.start_two()
        self.end(there.process)
        self.approve(here, self.file(here))
        self.assertTrue(self.mail_box.has_begun.wait(PATIENCE))
        self.end(here.process)
        self.assertEqual(len(self.mail_box.mails), 1)
        self.assertEqual([row for row in self.in_the_outbox() if row[0] == "mail"], [])
