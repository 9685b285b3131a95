"""Every read of receipts. Whoever sees a ticket sees its receipts; drafts are their owner's."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import ARRAY, BigInteger, ColumnElement, and_, any_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import NotFound
from expenses.receipts.inspection import MAX_PREVIEWS, Invoice, Kind
from expenses.receipts.models import receipt_table
from expenses.tickets.filters import is_one_of
from expenses.tickets.queries import get_ticket
from expenses.users.models import Actor


class ReceiptView(NamedTuple):
    id: int
    ticket_id: int | None
    name: str
    kind: Kind
    size: int
    sha256: str
    pages: int
    invoice_reader: str | None
    invoice_number: str | None
    invoice_code: str | None
    invoice_date: date | None
    invoice_amount: Decimal | None
    invoice_currency: str | None
    invoice_merchant: str | None
    invoice_key: str | None
    added_at: datetime

    @property
    def previews(self) -> int:
        """How many of its pages have a picture."""
        return min(self.pages, MAX_PREVIEWS)

    @property
    def invoice(self) -> Invoice | None:
        if self.invoice_reader is None:
            return None
        return Invoice(
            reader=self.invoice_reader,
            number=self.invoice_number,
            code=self.invoice_code,
            date=self.invoice_date,
            amount=self.invoice_amount,
            currency=self.invoice_currency,
            merchant=self.invoice_merchant,
        )


COLUMNS = tuple(receipt_table.c[name] for name in ReceiptView._fields)
# Built once, since each list of tickets sends them.
_ARE_OF_TICKETS = receipt_table.c.ticket_id == any_(
    bindparam("ticket_ids", type_=ARRAY(BigInteger))
)
_ARE_DRAFTS = and_(
    receipt_table.c.owner_id == bindparam("actor_id"), receipt_table.c.ticket_id.is_(None)
)
_RECEIPTS = select(*COLUMNS).order_by(receipt_table.c.id)
_OF_TICKETS = _RECEIPTS.where(_ARE_OF_TICKETS)
_DRAFTS = _RECEIPTS.where(_ARE_DRAFTS)
_OF_TICKETS_AND_DRAFTS = _RECEIPTS.where(or_(_ARE_OF_TICKETS, _ARE_DRAFTS))


async def receipts_of(
    connection: AsyncConnection, ticket_ids: Sequence[int]
) -> dict[int, list[ReceiptView]]:
    """Find the receipts of tickets that the actor is known to see, in the order they were added."""
    found: dict[int, list[ReceiptView]] = {}
    if ticket_ids:
        for row in await connection.execute(_OF_TICKETS, {"ticket_ids": ticket_ids}):
            found.setdefault(row.ticket_id, []).append(ReceiptView._make(row))
    return found


async def receipts_and_drafts_of(
    connection: AsyncConnection, ticket_ids: Sequence[int], *, actor: Actor
) -> dict[int | None, list[ReceiptView]]:
    """Find the receipts of tickets like `receipts_of`, and under None the actor's drafts."""
    found: dict[int | None, list[ReceiptView]] = {None: []}
    values = {"ticket_ids": ticket_ids, "actor_id": actor.id}
    for row in await connection.execute(_OF_TICKETS_AND_DRAFTS, values):
        found.setdefault(row.ticket_id, []).append(ReceiptView._make(row))
    return found


async def count_receipts(connection: AsyncConnection, ticket_ids: Sequence[int]) -> dict[int, int]:
    """Count the receipts of tickets that the actor is known to see; those without are absent."""
    query = (
        select(receipt_table.c.ticket_id, func.count())
        .where(is_one_of(receipt_table.c.ticket_id, ticket_ids))
        .group_by(receipt_table.c.ticket_id)
    )
    return dict(iter(await connection.execute(query)))


async def list_receipts(
    connection: AsyncConnection, ticket_id: int, *, actor: Actor
) -> list[ReceiptView]:
    """Raises `NotFound`."""
    await get_ticket(connection, ticket_id, actor=actor)
    return (await receipts_of(connection, [ticket_id])).get(ticket_id, [])


async def get_receipt(
    connection: AsyncConnection, ticket_id: int, receipt_id: int, *, actor: Actor
) -> ReceiptView:
    """Raises `NotFound`."""
    receipts = await list_receipts(connection, ticket_id, actor=actor)
    for receipt in receipts:
        if receipt.id == receipt_id:
            return receipt
    raise NotFound()


async def list_drafts(connection: AsyncConnection, *, actor: Actor) -> list[ReceiptView]:
    """List the receipts that the actor has added to no ticket yet."""
    rows = await connection.execute(_DRAFTS, {"actor_id": actor.id})
    return [ReceiptView._make(row) for row in rows]


async def get_draft(connection: AsyncConnection, receipt_id: int, *, actor: Actor) -> ReceiptView:
    """Raises `NotFound`."""
    ensure_possible(receipt_id)
    query = select(*COLUMNS).where(is_draft_of(actor), receipt_table.c.id == receipt_id)
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFound()
    return ReceiptView._make(row)


def is_draft_of(actor: Actor) -> ColumnElement[bool]:
    return and_(receipt_table.c.owner_id == actor.id, receipt_table.c.ticket_id.is_(None))
