"""The files of the receipts of many tickets, each under a name that says whose it is."""

import unicodedata
from collections.abc import AsyncIterator, Sequence
from zoneinfo import ZoneInfo

from starlette.requests import Request

from expenses.database.engine import Database
from expenses.receipts.queries import receipts_of
from expenses.tickets.queries import TicketView
from expenses.web.exports.zip_file import File
from expenses.web.receipts import get_storage

# Not every system has file names of more than 255 bytes, and a letter may take four.
MAX_NAME = 50


async def receipt_files(
    request: Request,
    database: Database,
    batches: AsyncIterator[Sequence[TicketView]],
    zone: ZoneInfo,
) -> AsyncIterator[File]:
    """Read one file after the other; times are by the clock of the zone."""
    storage = await get_storage(request)
    async for tickets in batches:
        async with database.reading() as connection:
            receipts = await receipts_of(connection, [ticket.id for ticket in tickets])
        for ticket in tickets:
            start = f"{ticket.spent_on}_{safe_name(ticket.owner_username)}_{ticket.id}"
            for number, receipt in enumerate(receipts.get(ticket.id, []), start=1):
                yield File(
                    f"{start}_{number}.{receipt.kind.extension}",
                    receipt.added_at.astimezone(zone),
                    await storage.original(receipt.sha256),
                )


def safe_name(name: str) -> str:
    """Keep the letters and digits of any language, with hyphens for everything between them."""
    kept = [letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in name]
    return "-".join("".join(kept).split())[:MAX_NAME] or "employee"
