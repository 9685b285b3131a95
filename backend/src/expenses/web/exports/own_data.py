"""Everything that is kept about a user, for themselves: one ZIP, sent while it is written."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from expenses.receipts.queries import list_drafts
from expenses.tickets.export import ticket_batches
from expenses.tickets.filters import Sort, TicketFilter
from expenses.tickets.own_history import OwnEvent, events_by_others, own_events
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor
from expenses.users.own_data import own_rows
from expenses.web.dependencies import database_of, settings_of
from expenses.web.exports.receipts import receipt_files
from expenses.web.exports.tickets import LIST, csv_pieces
from expenses.web.exports.zip_file import MEDIA_TYPE, File, zip_pieces
from expenses.web.receipts import get_storage


def own_data_response(request: Request, *, actor: Actor) -> Response:
    """Return the account, the tickets with their receipts, and the history as a download."""
    database, settings = database_of(request), settings_of(request)

    def tickets() -> AsyncIterator[Sequence[TicketView]]:
        own = TicketFilter(owner_id=actor.id)
        return ticket_batches(database, actor=actor, matching=own, sort=Sort.FILED)

    lists = {
        "account.json": _account(request, actor),
        LIST: csv_pieces(database, tickets(), settings.timezone),
        "history.json": _json_list(own_events(database, actor=actor)),
        "history-by-others.json": _json_list(events_by_others(database, tickets(), actor=actor)),
    }
    files = _files(request, actor, tickets(), settings.timezone)
    name = f"contoso-my-data-{settings.today().isoformat()}.zip"
    return StreamingResponse(
        zip_pieces(lists, datetime.now(settings.timezone), files),
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Type": MEDIA_TYPE,
            "Cache-Control": "no-store",
        },
    )


async def _account(request: Request, actor: Actor) -> AsyncIterator[bytes]:
    async with database_of(request).reading() as connection:
        rows = await own_rows(connection, actor=actor)
    yield to_json(rows, indent=2)


async def _json_list(batches: AsyncIterator[Sequence[OwnEvent]]) -> AsyncIterator[bytes]:
    separator = b"["
    async for events in batches:
        for event in events:
            yield separator + b"\n" + to_json(event._asdict())
            separator = b","
    yield b"\n]" if separator == b"," else b"[]"


async def _files(
    request: Request, actor: Actor, tickets: AsyncIterator[Sequence[TicketView]], zone: ZoneInfo
) -> AsyncIterator[File]:
    async for file in receipt_files(request, database_of(request), tickets, zone):
        yield file._replace(name=f"receipts/{file.name}")
    async with database_of(request).reading() as connection:
        drafts = await list_drafts(connection, actor=actor)
    storage = await get_storage(request)
    for draft in drafts:
        yield File(
            f"unfiled-receipts/{draft.id}.{draft.kind.extension}",
            draft.added_at.astimezone(zone),
            await storage.original(draft.sha256),
        )
