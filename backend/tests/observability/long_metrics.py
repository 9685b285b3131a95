"""What several processes count together."""

import tempfile
import time
from pathlib import Path

import httpx
import psutil

from tests.command_line import CommandLineTestCase
from tests.observability.test_metrics import ITS_OWN, TOKEN, Figures, figures_in


class Workers(CommandLineTestCase):
    """Several processes behind one port: it is chance who answers."""

    def test_each_tells_what_all_have_counted(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            server = self.start("serve", "--workers", "2", METRICS_TOKEN=TOKEN, TMPDIR=folder)
            process, address, _ = server
            for _ in range(30):
                httpx.get(f"{address}/login")
            for _ in range(10):
                self.assertEqual(self.pages(address), 30)
            limit = self.figures(address).of("expenses_database_connections_limit")
            before = self.workers(process.pid)
            self.assertEqual(len(before), 2)
            before.pop().kill()
            deadline = time.monotonic() + 30
            while len(self.workers(process.pid) - before) < 1 and time.monotonic() < deadline:
                time.sleep(0.1)
            self.wait_until_ready(server)
            for _ in range(10):
                self.assertEqual(self.pages(address), 30)
            self.assertLessEqual(
                self.figures(address).of("expenses_database_connections_limit"), limit
            )
            self.end(process)
            self.assertEqual(list(Path(folder).glob("expenses-metrics-*")), [])

    def figures(self, address: str) -> Figures:
        answer = httpx.get(f"{address}/metrics", headers=ITS_OWN)
        self.assertEqual(answer.status_code, 200, answer.text)
        return Figures(figures_in(answer.text))

    def pages(self, address: str) -> float:
        name = "expenses_http_request_duration_seconds_count"
        return self.figures(address).of(name, route="/login", status="200")

    def workers(self, parent: int) -> set[psutil.Process]:
        return {
            child
            for child in psutil.Process(parent).children()
            if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline())
        }
