"""Tickets as a file for spreadsheets, sent while it is being written."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from expenses.errors import NotFound
from expenses.tickets.export import Totals, ticket_batches
from expenses.tickets.filters import Sort, TicketFilter
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor
from expenses.web.dependencies import database_of, settings_of
from expenses.web.exports.cells import Cell, Row
from expenses.web.exports.csv_file import CsvFile
from expenses.web.exports.xlsx_file import XlsxFile

# Each with its width in characters.
COLUMNS = (
    ("Ticket", 10),
    ("Employee", 24),
    ("E-mail", 32),
    ("Day", 12),
    ("Amount", 14),
    ("Currency", 10),
    ("Category", 12),
    ("Description", 48),
    ("Links", 40),
    ("Status", 12),
    ("Decided by", 24),
    ("Decided at", 20),
    ("Reason", 40),
    ("Filed at", 20),
)
TOTALS = ("Totals", "Tickets", "Amount")

# One thread, however many exports there are: several would leave the event loop, which needs the
# interpreter's lock as they do, too few turns to answer everybody else in time.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")


class SheetFile(Protocol):
    """A file that grows row by row; each call gives the bytes that have become ready."""

    media_type: str

    def begin(self) -> bytes: ...
    def add(self, rows: Iterable[Row]) -> bytes: ...
    def end(self, title: Row, rows: Iterable[Row]) -> bytes:
        """A last block of rows with a title of its own."""


FILES: dict[str, Callable[[Sequence[tuple[str, int]]], SheetFile]] = {
    "csv": CsvFile,
    "xlsx": XlsxFile,
}


def export_response(
    request: Request, kind: str, *, actor: Actor, matching: TicketFilter, sort: Sort
) -> Response:
    """The file as a download. Raises `NotFound` for a kind that is none of `FILES`.

    Where something fails on the way the connection breaks off, and the totals, which come last,
    are missing: half a file does not pass for a whole one.
    """
    if kind not in FILES:
        raise NotFound()
    file, settings = FILES[kind](COLUMNS), settings_of(request)
    batches = ticket_batches(database_of(request), actor=actor, matching=matching, sort=sort)
    name = f"contoso-tickets-{settings.today().isoformat()}.{kind}"
    return StreamingResponse(
        iter(()) if request.method == "HEAD" else _written(file, batches, settings.zone),
        media_type=file.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


async def _written(
    file: SheetFile, batches: AsyncIterator[Sequence[TicketView]], zone: ZoneInfo
) -> AsyncIterator[bytes]:
    loop, totals = asyncio.get_running_loop(), Totals()

    def add(tickets: Sequence[TicketView]) -> bytes:
        totals.add(tickets)
        return file.add(_cells(ticket, zone) for ticket in tickets)

    # Before anything is asked of the database: the browser's download begins at once.
    yield file.begin()
    async for tickets in batches:
        if ready := await loop.run_in_executor(_thread, add, tickets):
            yield ready
    sums = [(code, total.tickets, total.amount) for code, total in sorted(totals.items())]
    yield file.end(TOTALS, sums)


def _cells(ticket: TicketView, zone: ZoneInfo) -> Sequence[Cell]:
    """In the order of `COLUMNS`."""
    return (
        ticket.id,
        ticket.owner_username,
        ticket.owner_email,
        ticket.spent_on,
        ticket.amount,
        ticket.currency,
        ticket.category.value,
        ticket.description,
        " ".join(ticket.links),
        ticket.status.value,
        ticket.decided_by_username,
        ticket.decided_at and ticket.decided_at.astimezone(zone),
        ticket.decision_reason,
        ticket.created_at.astimezone(zone),
    )
