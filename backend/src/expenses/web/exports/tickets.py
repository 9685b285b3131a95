"""Tickets as a file. CSV and ZIP are sent while they are written, XLSX once it is whole."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import IO, NamedTuple
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from expenses.database.engine import Database
from expenses.errors import NotFound
from expenses.i18n.money import with_decimals
from expenses.receipts.queries import count_receipts
from expenses.tickets.export import Totals, ticket_batches
from expenses.tickets.filters import Sort, TicketFilter
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor
from expenses.web.dependencies import database_for_reports, settings_of
from expenses.web.exports import csv_file, xlsx_file, zip_file
from expenses.web.exports.csv_file import BYTE_ORDER_MARK, csv_lines
from expenses.web.exports.receipts import receipt_files
from expenses.web.exports.xlsx_file import XlsxFile
from expenses.web.exports.zip_file import zip_pieces

# Each with its width in characters.
COLUMNS = (
    ("Ticket", 10),
    ("Employee", 24),
    ("E-mail", 32),
    ("Date", 12),
    ("Amount", 14),
    ("Currency", 10),
    ("Category", 12),
    ("Description", 48),
    ("Merchant", 24),
    ("Links", 40),
    ("Receipts", 10),
    ("Status", 12),
    ("Decided by", 24),
    ("Decided at", 20),
    ("Reason", 40),
    ("Filed at", 20),
    ("Paid at", 20),
)
TITLES = [title for title, _ in COLUMNS]
TOTALS = ("Totals", "Tickets", "Amount")

# The list in a ZIP.
LIST = "tickets.csv"

MEDIA_TYPES = {
    "csv": csv_file.MEDIA_TYPE,
    "xlsx": xlsx_file.MEDIA_TYPE,
    "zip": zip_file.MEDIA_TYPE,
}
CHUNK_SIZE = 65_536
# What nginx logs for a client that hung up before the answer.
CLIENT_GONE = 499

# One thread, however many exports there are: several would leave the event loop, which needs the
# interpreter's lock as they do, too few turns to answer everybody else in time.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")


class Batch(NamedTuple):
    """Some tickets, and how many receipts each has that has any."""

    tickets: Sequence[TicketView]
    receipts: Mapping[int, int]


Batches = AsyncIterator[Batch]


async def export_response(
    request: Request, kind: str, *, actor: Actor, matching: TicketFilter, sort: Sort
) -> Response:
    """Return the tickets as a download. Raises `NotFound` for other kinds than `MEDIA_TYPES`."""
    if kind not in MEDIA_TYPES:
        raise NotFound()
    settings = settings_of(request)
    name = f"contoso-tickets-{settings.today().isoformat()}.{kind}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Type": MEDIA_TYPES[kind],
        "Cache-Control": "no-store",
    }
    if request.method == "HEAD":
        return Response(headers=headers)

    database = await database_for_reports(request)

    def tickets() -> AsyncIterator[Sequence[TicketView]]:
        return ticket_batches(database, actor=actor, matching=matching, sort=sort)

    zone = settings.timezone
    match kind:
        case "csv":
            return StreamingResponse(csv_pieces(database, tickets(), zone), headers=headers)
        case "zip":
            lists = {LIST: csv_pieces(database, tickets(), zone)}
            files = receipt_files(request, database, tickets(), zone)
            return StreamingResponse(zip_pieces(lists, datetime.now(zone), files), headers=headers)
    file = await _xlsx_file(request, _with_receipts(database, tickets()), zone)
    if file is None:
        return Response(status_code=CLIENT_GONE)
    headers["Content-Length"] = str(os.fstat(file.fileno()).st_size)
    return StreamingResponse(_chunks(file), headers=headers)


def csv_pieces(
    database: Database, tickets: AsyncIterator[Sequence[TicketView]], zone: ZoneInfo
) -> AsyncIterator[bytes]:
    """Yield the tickets as CSV; times are by the clock of the zone."""
    return _csv(_with_receipts(database, tickets), zone)


async def _with_receipts(
    database: Database, batches: AsyncIterator[Sequence[TicketView]]
) -> AsyncIterator[Batch]:
    async for tickets in batches:
        async with database.reading() as connection:
            receipts = await count_receipts(connection, [ticket.id for ticket in tickets])
        yield Batch(tickets, receipts)


async def _csv(batches: Batches, zone: ZoneInfo) -> AsyncIterator[bytes]:
    """Yield the file piece by piece.

    Where something fails on the way the connection breaks off, and the totals, which come last,
    are missing: half a file does not pass for a whole one.
    """
    # Before anything is asked of the database: the browser's download begins at once.
    yield BYTE_ORDER_MARK + csv_lines([TITLES])
    totals, run = Totals(), asyncio.get_running_loop().run_in_executor
    async for batch in batches:
        totals.add(batch.tickets)
        yield await run(_thread, csv_lines, _rows(batch, zone))
    yield csv_lines([(), TOTALS, *_sums(totals)])


async def _xlsx_file(request: Request, batches: Batches, zone: ZoneInfo) -> IO[bytes] | None:
    """Write the whole file; None when the client hangs up before it is ready."""
    file, totals, run = XlsxFile(COLUMNS), Totals(), asyncio.get_running_loop().run_in_executor
    try:
        async for batch in batches:
            if await request.is_disconnected():
                return None
            totals.add(batch.tickets)
            await run(_thread, file.add, _rows(batch, zone))
        await run(_thread, file.add_totals, TOTALS, _sums(totals))
        return await run(_thread, file.finish)
    finally:
        # In the same thread, after whatever it is still writing when this was cancelled.
        _thread.submit(file.discard)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Read the file piece by piece, then close it, which removes it."""
    with file:
        while chunk := file.read(CHUNK_SIZE):
            yield chunk


def _rows(batch: Batch, zone: ZoneInfo) -> list[Sequence[object]]:
    return [_row(ticket, batch.receipts.get(ticket.id, 0), zone) for ticket in batch.tickets]


def _row(ticket: TicketView, receipts: int, zone: ZoneInfo) -> Sequence[object]:
    """Return the cells in the order of `COLUMNS`, instants by the clock of the zone."""
    decided_at = ticket.decided_at and ticket.decided_at.astimezone(zone)
    paid_at = ticket.paid_at and ticket.paid_at.astimezone(zone)
    return (
        ticket.id,
        ticket.owner_username,
        ticket.owner_email,
        ticket.spent_on,
        with_decimals(ticket.amount, ticket.currency),
        ticket.currency,
        ticket.category.value,
        ticket.description,
        ticket.merchant,
        " ".join(ticket.links),
        receipts,
        ticket.status.value,
        ticket.decided_by_username,
        decided_at and decided_at.replace(microsecond=0),
        ticket.decision_reason,
        ticket.created_at.astimezone(zone).replace(microsecond=0),
        paid_at and paid_at.replace(microsecond=0),
    )


def _sums(totals: Totals) -> list[Sequence[object]]:
    return [
        (code, total.tickets, with_decimals(total.amount, code))
        for code, total in sorted(totals.items())
    ]
