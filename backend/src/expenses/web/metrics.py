"""The page /metrics, for Prometheus."""

import asyncio
import math
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError

from expenses.database.engine import Database
from expenses.database.replica import lag_behind, position_of
from expenses.errors import ExpensesError, NotFound
from expenses.observability.metrics import set_connections
from expenses.tickets.counts import COUNT_LIMIT, totals
from expenses.tickets.filters import TicketFilter
from expenses.tickets.models import TicketStatus
from expenses.users.models import AnyEmployer
from expenses.web.dependencies import DatabaseDependency, settings_of, token_of

# Shorter than what Prometheus waits.
TIMEOUT_SECONDS = 3

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, database: DatabaseDependency) -> Response:
    """Takes METRICS_TOKEN as a bearer token, not a user's."""
    expected = settings_of(request).metrics_token
    if expected is None:
        raise NotFound()
    sent = token_of(request) or ""
    if not secrets.compare_digest(sent.encode(), expected.get_secret_value().encode()):
        return Response(
            "Send METRICS_TOKEN as a bearer token.\n", 401, {"WWW-Authenticate": "Bearer"}
        )
    replica: Database | None = request.app.state.replica
    lag = None if replica is None else await _lag(database, replica)
    current = _CurrentFigures(await _pending(database), lag)
    set_connections(database.connections())
    text = await asyncio.to_thread(_exposition, current)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _pending(database: Database) -> int | None:
    """None where the database does not answer: the other figures are needed all the more then."""
    with suppress(ExpensesError, TimeoutError):
        async with asyncio.timeout(TIMEOUT_SECONDS), database.reading() as connection:
            pending = TicketFilter(status=TicketStatus.PENDING)
            found = await totals(connection, actor=AnyEmployer(), matching=pending)
            return found.count.number
    return None


async def _lag(database: Database, replica: Database) -> float:
    """Return seconds; infinity where nothing can be read from the replica."""
    with suppress(ExpensesError, DBAPIError, TimeoutError):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await lag_behind(await position_of(database), replica)
    return math.inf


class _CurrentFigures(Collector):
    """Figures of this moment, the same for all processes."""

    def __init__(self, pending: int | None, lag: float | None) -> None:
        self._pending, self._lag = pending, lag

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
        if self._lag is not None:
            yield GaugeMetricFamily(
                "expenses_replica_lag_seconds",
                "How many seconds of writes the replica may lack. +Inf where it cannot be read.",
                value=self._lag,
            )


def _exposition(current: Collector) -> bytes:
    registry = CollectorRegistry()
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder:
        _drop_gauges_of_dead_processes(Path(folder))
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(current)
    return generate_latest(registry)


def _drop_gauges_of_dead_processes(folder: Path) -> None:
    """Keep what they had counted, but not what they had open."""
    for file in folder.glob("gauge_live*.db"):
        number = re.search(r"_(\d+)\.db$", file.name)
        if number and not Path("/proc", number[1]).exists():
            mark_process_dead(int(number[1]), str(folder))  # type: ignore[no-untyped-call]
