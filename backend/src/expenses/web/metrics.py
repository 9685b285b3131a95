"""/metrics for Prometheus, and what is counted of every request."""

import asyncio
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from expenses.database.engine import Database
from expenses.errors import ExpensesError, NotFound
from expenses.observability.metrics import CONNECTIONS, MOST_CONNECTIONS, REQUESTS
from expenses.tickets.counts import COUNT_LIMIT, totals
from expenses.tickets.filters import TicketFilter
from expenses.tickets.models import TicketStatus
from expenses.users.models import AnyEmployer
from expenses.web.dependencies import DatabaseDependency, settings_of, token_of
from expenses.web.route_names import method_of, route_of

PATH = "/metrics"
# Shorter than what Prometheus waits.
PATIENCE = 3

router = APIRouter()


@router.get(PATH, include_in_schema=False)
async def metrics(request: Request, database: DatabaseDependency) -> Response:
    """With the token of the settings, and nobody's own."""
    expected = settings_of(request).metrics_token
    if expected is None:
        raise NotFound()
    given = token_of(request) or ""
    if not secrets.compare_digest(given.encode(), expected.get_secret_value().encode()):
        return Response(
            "Send METRICS_TOKEN as a bearer token.\n", 401, {"WWW-Authenticate": "Bearer"}
        )
    now = _Now(await _pending(database))
    note_connections(database)
    text = await asyncio.to_thread(_exposition, now)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


class MetricsMiddleware:
    """A request is known by its route: addresses hold what people look for, and who they are."""

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        # Where the caller has gone before there was one.
        status = "none"

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        finally:
            took = time.perf_counter() - began
            REQUESTS.labels(method_of(scope), route_of(scope), status).observe(took)
            note_connections(self.database)


class HostMiddleware(TrustedHostMiddleware):
    """Prometheus asks each process by an address of its own. It has a token, and gets no page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_for_prometheus = scope["type"] == "http" and scope["path"] == PATH
        await (self.app if is_for_prometheus else super().__call__)(scope, receive, send)


def note_connections(database: Database) -> None:
    use = database.connections()
    CONNECTIONS.labels("used").set(use.used)
    CONNECTIONS.labels("idle").set(use.idle)
    MOST_CONNECTIONS.set(use.limit)


async def _pending(database: Database) -> int | None:
    """None where the database does not answer: the other figures are wanted all the more then."""
    with suppress(ExpensesError, TimeoutError):
        async with asyncio.timeout(PATIENCE), database.reading() as connection:
            pending = TicketFilter(status=TicketStatus.PENDING)
            found = await totals(connection, actor=AnyEmployer(), matching=pending)
            return found.count.number
    return None


class _Now(Collector):
    """What is true at this moment, for all processes."""

    def __init__(self, pending: int | None) -> None:
        self._pending = pending

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "expenses_database_up",
            "Whether the database has answered just now.",
            value=self._pending is not None,
        )
        if self._pending is not None:
            yield GaugeMetricFamily(
                "expenses_pending_tickets",
                f"Tickets that wait for a decision. No more than {COUNT_LIMIT} are counted.",
                value=self._pending,
            )


def _exposition(now: Collector) -> bytes:
    registry = CollectorRegistry()
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        _leave_out_dead_processes(Path(folder))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(now)
    return generate_latest(registry)


def _leave_out_dead_processes(folder: Path) -> None:
    """What they had counted stays, what they had open does not."""
    for file in folder.glob("gauge_live*.db"):
        number = re.search(r"_(\d+)\.db$", file.name)
        if number and not Path("/proc", number[1]).exists():
            mark_process_dead(int(number[1]), str(folder))  # type: ignore[no-untyped-call]
