"""What an OpenTelemetry collector is sent: by a real server, to a real receiver."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.command_line import (
    EXECUTABLE,
    CommandLineTestCase,
    Running,
    environment,
    spawned,
    wait_until_ready,
)
from tests.harness import PASSWORD, TestCase, new_database, ticket_json
from tests.receivers import Posted, receiving

PATIENCE = 20


class Collector:
    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def requests(self) -> list[ExportTraceServiceRequest]:
        return [ExportTraceServiceRequest.FromString(body) for body in [*self.received]]

    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resource(self) -> dict[str, Any]:
        return attributes_of(self.requests()[0].resource_spans[0].resource)


def attributes_of(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@contextmanager
def listening_collector() -> Iterator[Collector]:
    collector = Collector()

    def take(posted: Posted) -> int:
        collector.headers.append(posted.headers)
        collector.received.append(posted.body)
        return 200

    with receiving(take) as address:
        collector.url = address
        yield collector


class TracesTestCase(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.collector = self.enterContext(listening_collector())

    def start_traced(self, endpoint: str, *arguments: str, **variables: str) -> Running:
        return self.start("serve", *arguments, **traced(endpoint), **variables)


def traced(endpoint: str) -> dict[str, str]:
    """The settings of a server that sends its spans there, on a database of its own."""
    return {
        "DATABASE_URL": new_database(),
        "SECRET_KEY": "x" * 40,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


class Traces(TestCase):
    """All of one server: starting one takes seconds."""

    collector: ClassVar[Collector]
    address: ClassVar[str]
    tokens: ClassVar[dict[str, dict[str, str]]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.collector = cls.enterClassContext(listening_collector())
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        variables = traced(cls.collector.url) | {"OTEL_EXPORTER_OTLP_HEADERS": "x-key=ours"}
        starting = spawned([*EXECUTABLE, "serve"], environment(folder, **variables), folder)
        cls.address = wait_until_ready(cls.enterClassContext(starting)).address
        cls.tokens = {}
        for name, role in (("quokka", "employee"), ("numbat", "employer")):
            account = {"email": f"{name}@contoso.example", "password": PASSWORD}
            answer = httpx.post(
                f"{cls.address}/api/users", json=account | {"username": name, "role": role}
            )
            token = answer.raise_for_status().json()["token"]
            cls.tokens[role] = {"Authorization": f"Bearer {token}"}

    def wait_for(self, name: str) -> Span:
        """The last span of that name, once it has come."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if found := [span for span in self.collector.spans() if span.name == name]:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(sorted({span.name for span in self.collector.spans()}))

    def test_each_request_is_a_span_with_its_statements_in_it(self) -> None:
        employee, employer = self.tokens["employee"], self.tokens["employer"]
        filed = httpx.post(
            f"{self.address}/api/tickets", json=ticket_json(), headers=employee
        ).json()
        path = f"{self.address}/api/tickets/{filed['id']}"
        httpx.get(path, headers=employee).raise_for_status()
        answer = httpx.post(f"{path}/approve", headers=employer).raise_for_status()
        read = self.wait_for("GET /api/tickets/{ticket_id:int}")
        self.assertEqual(read.kind, Span.SPAN_KIND_SERVER)
        self.assertEqual(
            attributes_of(read) | {"expenses.request": None},
            {
                "http.request.method": "GET",
                "http.route": "/api/tickets/{ticket_id:int}",
                "http.response.status_code": 200,
                "expenses.request": None,
            },
        )
        decided = self.wait_for("POST /api/tickets/{ticket_id:int}/approve")
        self.assertEqual(attributes_of(decided)["expenses.request"], answer.headers["x-request-id"])
        self.assertEqual([name for name in self.statements_in(read) if name != "SELECT"], [])
        self.assertEqual(len(self.statements_in(read)), 2)
        found = httpx.get(f"{self.address}/api/tickets?q=quokka", headers=employer)
        self.assertEqual(len(found.json()["items"]), 1)
        # Whose session, who is called so, which tickets, and these.
        # (The first time, the driver asks about types besides.)
        found_by = self.statements_in(self.wait_for("GET /api/tickets"))
        self.assertGreaterEqual(found_by.count("SELECT"), 4)
        self.assertEqual(
            self.statements_in(decided), ["SELECT", "SELECT", "UPDATE", "INSERT", "SELECT"]
        )
        self.assertEqual(self.collector.resource()["service.name"], "contoso-expenses")
        self.assertEqual(self.collector.headers[0]["x-key"], "ours")

    def statements_in(self, parent: Span) -> list[str]:
        """What the spans in it are called, in the order in which they ended."""
        deadline = time.monotonic() + PATIENCE
        found: list[Span] = []
        while time.monotonic() < deadline and not found:
            found = [one for one in self.collector.spans() if one.parent_span_id == parent.span_id]
            time.sleep(0.3)
        for span in found:
            self.assertEqual(span.trace_id, parent.trace_id)
            self.assertEqual(span.kind, Span.SPAN_KIND_CLIENT)
            self.assertGreaterEqual(span.start_time_unix_nano, parent.start_time_unix_nano)
            self.assertLess(span.start_time_unix_nano, span.end_time_unix_nano)
            attributes = attributes_of(span)
            self.assertEqual(attributes["db.system.name"], "postgresql")
            self.assertIn(span.name, attributes["db.query.text"])
        return [span.name for span in sorted(found, key=lambda span: span.end_time_unix_nano)]

    def test_every_door_is_named_by_its_route_and_nobody_is_named(self) -> None:
        address = self.address
        employee, employer = self.tokens["employee"], self.tokens["employer"]
        ticket = ticket_json() | {"description": "wombat", "links": ["https://dugong.example/1"]}
        filed = httpx.post(f"{address}/api/tickets", json=ticket, headers=employee).json()
        for path, headers in (
            ("/tickets?q=wombat", employee),
            ("/admin/ticket/list?q=wombat", employer),
            (f"/admin/ticket/details/{filed['id']}", employer),
            ("/admin/employee/list?search=quokka@contoso.example", employer),
            ("/api/tickets?q=wombat", employer),
            ("/static/wombat.css", {}),
            ("/wombat/quokka@contoso.example", {}),
            ("/admin/wombat/list", employer),
        ):
            httpx.get(address + path, headers=headers)
        httpx.post(
            f"{address}/login", data={"email": "quokka@contoso.example", "password": "echidna"}
        )
        # Somebody has this e-mail: an error of the database that says whose.
        httpx.post(
            f"{address}/api/users",
            json={
                "email": "quokka@contoso.example",
                "password": PASSWORD,
                "username": "quokka",
                "role": "employee",
            },
        )
        httpx.request("PROPFIND", f"{address}/wombat")
        self.wait_for("other")
        names = {span.name for span in self.collector.spans() if span.kind == Span.SPAN_KIND_SERVER}
        for name in (
            "GET /tickets",
            "GET /admin/{identity}/list",
            "GET /admin/{identity}/details/{pk:path}",
            "GET /api/tickets",
            "GET /static",
            "POST /login",
            "POST /api/users",
            "GET",
        ):
            self.assertIn(name, names)
        sent = b"".join(self.collector.received)
        for word in (
            *("quokka", "numbat", "wombat", "dugong", "echidna", "contoso.example", PASSWORD),
            *(headers["Authorization"].removeprefix("Bearer ") for headers in self.tokens.values()),
            "127.0.0.1",
        ):
            self.assertNotIn(word.encode(), sent, word)

    def test_a_trace_that_began_elsewhere_goes_on(self) -> None:
        trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
        httpx.get(f"{self.address}/health", headers={"traceparent": f"00-{trace}-{parent}-01"})
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = [one for one in self.collector.spans() if one.trace_id.hex() == trace]
            if found:
                break
            time.sleep(0.05)
        self.assertEqual([one.parent_span_id.hex() for one in found], [parent])
        self.assertEqual(found[0].status.code, Status.STATUS_CODE_UNSET)
