"""The end of what is traced, and what is not traced at all."""

import subprocess
import sys
import time

import httpx

from tests.observability.test_traces import TracesTestCase

LOADED = """
import sys
from expenses.server import create_worker
create_worker()
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "google.protobuf"))])
"""


class Traces(TracesTestCase):
    def test_the_last_spans_are_sent_before_the_end(self) -> None:
        server = self.start_traced(
            self.collector.url, "--workers", "2", OTEL_SERVICE_NAME="expenses-in-berlin"
        )
        for _ in range(20):
            httpx.get(f"{server.address}/login")
        self.end(server.process)
        spans = [span for span in self.collector.spans() if span.name == "GET /login"]
        self.assertEqual(len(spans), 20)
        self.assertEqual(self.collector.resource()["service.name"], "expenses-in-berlin")

    def test_a_collector_that_is_away_holds_up_nobody(self) -> None:
        server = self.start_traced("http://127.0.0.1:1")
        for _ in range(50):
            self.assertEqual(httpx.get(f"{server.address}/login").status_code, 200)
        began = time.monotonic()
        self.end(server.process)
        self.assertLess(time.monotonic() - began, 10)
        self.assertNotIn("Traceback", server.log.read_text())

    def test_nothing_is_sent_or_loaded_unasked(self) -> None:
        for variables in (
            {},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_SDK_DISABLED": "true"},
            {"OTEL_EXPORTER_OTLP_ENDPOINT": self.collector.url, "OTEL_TRACES_EXPORTER": "none"},
        ):
            with self.subTest(variables):
                loaded = subprocess.run(
                    [sys.executable, "-c", LOADED],
                    env=self.environment(
                        DATABASE_URL="postgresql://a@b/c", SECRET_KEY="x" * 40, **variables
                    ),
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                self.assertEqual(loaded.strip(), "[]")
