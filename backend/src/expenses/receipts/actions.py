"""What an owner does with receipts; those of a ticket each with its event."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import InvalidInput, NotFound
from expenses.history import record
from expenses.i18n.text import N_, normal
from expenses.receipts.cleaning import keep_file
from expenses.receipts.inspection import Inspection, Invoice, inspect
from expenses.receipts.invoices import invoice_key
from expenses.receipts.models import receipt_table
from expenses.receipts.queries import is_draft_of
from expenses.receipts.storage import Storage
from expenses.tickets.actions import lock_own_pending
from expenses.tickets.models import ticket_table
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.queries import LockedTicket
from expenses.users.models import Actor

MAX_RECEIPTS = 10
MAX_NAME = 255
# Enough for a pile of paper that is filed one ticket after the other.
MAX_DRAFTS = 50
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class StoredReceipt:
    """A file that is in the storage and has no row yet."""

    name: str
    size: int
    sha256: str
    inspection: Inspection


async def store(storage: Storage, name: str, content: bytes) -> StoredReceipt:
    """Find out what a file is and keep it; needs no transaction, since it may take seconds.

    Raises `UnreadableFile`.
    """
    inspection = await inspect(content)
    sha256 = await storage.save(content, inspection)
    return StoredReceipt(_tidy(name, inspection), len(content), sha256, inspection)


async def add_receipt(
    connection: AsyncConnection,
    ticket_id: int,
    file: StoredReceipt,
    *,
    actor: Actor,
    storage: Storage,
) -> int:
    """Add a file to the actor's pending ticket and return the receipt's id.

    The same file again is the receipt that is there. Raises `NotPending`, `InvalidInput`,
    `Forbidden`, `NotFound`.
    """
    ticket = await lock_own_pending(connection, ticket_id, actor=actor)
    there = await _of_ticket(connection, ticket_id)
    if file.sha256 in there:
        return there[file.sha256]
    _ensure_room(len(there) + 1)
    await keep_file(connection, storage, file.sha256, file.inspection)
    receipt_id = await _insert(connection, file, actor=actor, ticket_id=ticket_id)
    await _touch(connection, ticket_id)
    await _record(connection, "ticket.receipt_added", ticket, file, actor=actor)
    return receipt_id


async def add_draft(
    connection: AsyncConnection, file: StoredReceipt, *, actor: Actor, storage: Storage
) -> int:
    """Keep a file for a ticket that is filed later, and return the receipt's id."""
    ensure_can_create(actor)
    known = await _ids_by_sha256(connection, is_draft_of(actor))
    if file.sha256 in known:
        return known[file.sha256]
    if len(known) >= MAX_DRAFTS:
        raise InvalidInput(
            {"file": N_("Too many receipts are waiting for a ticket. File or remove some first.")}
        )
    await keep_file(connection, storage, file.sha256, file.inspection)
    return await _insert(connection, file, actor=actor)


async def attach_drafts(
    connection: AsyncConnection, ticket_id: int, receipt_ids: Sequence[int], *, actor: Actor
) -> None:
    """Give the actor's drafts to their pending ticket; those that it has already are left alone.

    Raises `InvalidInput` where one of them is gone.
    """
    wanted = sorted(set(receipt_ids))
    if not wanted:
        return
    if set(wanted) <= set((await _of_ticket(connection, ticket_id)).values()):
        return
    ticket = await lock_own_pending(connection, ticket_id, actor=actor)
    there = await _of_ticket(connection, ticket_id)
    missing = [number for number in wanted if number not in there.values()]
    _ensure_room(len(there) + len(missing))
    for receipt_id in missing:
        row = (
            await connection.execute(
                update(receipt_table)
                .where(receipt_table.c.id == receipt_id, is_draft_of(actor))
                .values(ticket_id=ticket_id)
                .returning(receipt_table.c.name, receipt_table.c.size, receipt_table.c.sha256)
            )
        ).first()
        if row is None:
            raise InvalidInput({"file": N_("A receipt is no longer there. Add the file again.")})
        await _record(connection, "ticket.receipt_added", ticket, row, actor=actor)


async def remove_receipt(
    connection: AsyncConnection, ticket_id: int, receipt_id: int, *, actor: Actor
) -> None:
    """Raises `NotPending`, `Forbidden`, `NotFound`. The file itself is kept for a day."""
    ticket = await lock_own_pending(connection, ticket_id, actor=actor)
    row = (
        await connection.execute(
            delete(receipt_table)
            .where(receipt_table.c.id == receipt_id, receipt_table.c.ticket_id == ticket_id)
            .returning(receipt_table.c.name, receipt_table.c.size, receipt_table.c.sha256)
        )
    ).first()
    if row is None:
        raise NotFound()
    await _touch(connection, ticket_id)
    await _record(connection, "ticket.receipt_removed", ticket, row, actor=actor)


async def remove_draft(connection: AsyncConnection, receipt_id: int, *, actor: Actor) -> None:
    await connection.execute(
        delete(receipt_table).where(receipt_table.c.id == receipt_id, is_draft_of(actor))
    )


def columns_of(file: StoredReceipt) -> dict[str, Any]:
    """Return what a receipt's row says of its file."""
    invoice = file.inspection.invoice
    return {
        "name": file.name,
        "kind": file.inspection.kind,
        "size": file.size,
        "sha256": file.sha256,
        "pages": file.inspection.pages,
        "invoice_key": invoice_key(invoice),
        **{
            f"invoice_{field.name}": getattr(invoice, field.name, None) for field in fields(Invoice)
        },
    }


async def _of_ticket(connection: AsyncConnection, ticket_id: int) -> dict[str, int]:
    return await _ids_by_sha256(connection, receipt_table.c.ticket_id == ticket_id)


async def _ids_by_sha256(connection: AsyncConnection, which: ColumnElement[bool]) -> dict[str, int]:
    query = select(receipt_table.c.sha256, receipt_table.c.id).where(which)
    return dict(iter(await connection.execute(query)))


def _ensure_room(receipts: int) -> None:
    if receipts > MAX_RECEIPTS:
        raise InvalidInput({"file": N_("A ticket has at most 10 receipts.")})


async def _insert(
    connection: AsyncConnection,
    file: StoredReceipt,
    *,
    actor: Actor,
    ticket_id: int | None = None,
) -> int:
    receipt_id: int = (
        await connection.execute(
            insert(receipt_table)
            .values(owner_id=actor.id, ticket_id=ticket_id, **columns_of(file))
            .returning(receipt_table.c.id)
        )
    ).scalar_one()
    return receipt_id


async def _touch(connection: AsyncConnection, ticket_id: int) -> None:
    """Mark the ticket as changed, so that nobody decides what they have not seen."""
    await connection.execute(
        update(ticket_table).where(ticket_table.c.id == ticket_id).values(updated_at=func.now())
    )


async def _record(
    connection: AsyncConnection,
    action: str,
    ticket: LockedTicket,
    file: StoredReceipt | Row[str, int, str],
    *,
    actor: Actor,
) -> None:
    await record(
        connection,
        action,
        actor_id=actor.id,
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
        name=file.name,
        size=file.size,
        sha256=file.sha256,
    )


def _tidy(name: str, inspection: Inspection) -> str:
    """Make a name that is safe to show and to save, with the extension that the content has."""
    plain = normal(_UNPRINTABLE.sub("", PurePosixPath(name.replace("\\", "/")).name)).strip()
    extension = f".{inspection.kind.extension}"
    stem = plain.rpartition(".")[0] if "." in plain[1:] else plain
    return f"{(stem.strip(' .') or 'receipt')[: MAX_NAME - len(extension)]}{extension}"
