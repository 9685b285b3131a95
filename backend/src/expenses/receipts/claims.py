"""Whether a file or an invoice was claimed before, on a ticket that still counts."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Select, Text, any_, bindparam, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.receipts.models import receipt_table
from expenses.receipts.queries import ReceiptView
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.users.models import Actor, Role, user_table

# One is enough to look into.
MAX_NAMED = 3
# Few companies have a hundredth of that alike on one page.
MAX_READ = 1000
STILL_COUNTS = (TicketStatus.PENDING, TicketStatus.APPROVED)


class Proof(StrEnum):
    FILE = "file"
    INVOICE = "invoice"


class Claim(NamedTuple):
    """An earlier ticket, and what it shares; without number, owner and date if it is not shown."""

    proof: Proof
    ticket_id: int | None = None
    owner_username: str | None = None
    filed_at: datetime | None = None


class _Same(NamedTuple):
    proof: Proof
    value: str
    ticket_id: int


async def claims_of(
    connection: AsyncConnection, receipts: Sequence[ReceiptView], *, actor: Actor
) -> dict[int, list[Claim]]:
    """Find, by the id of a receipt, which other tickets of anybody have its file or invoice.

    This alone reads past `visible_to`: an invoice that a hidden ticket has was claimed all the
    same. It says no more than that.
    """
    if not receipts:
        return {}
    same = await _same(connection, receipts)
    if not same:
        return {}
    tickets = await _counting(connection, {each.ticket_id for each in same}, actor)
    found: dict[int, list[Claim]] = {}
    for receipt in receipts:
        wanted = {(Proof.FILE, receipt.sha256), (Proof.INVOICE, receipt.invoice_key)}
        claims: dict[int, Claim] = {}
        for each in same:
            is_other = each.ticket_id != receipt.ticket_id and each.ticket_id in tickets
            if is_other and (each.proof, each.value) in wanted:
                claims.setdefault(
                    each.ticket_id, tickets[each.ticket_id]._replace(proof=each.proof)
                )
        if claims:
            # Those that are not shown are all alike.
            found[receipt.id] = list(dict.fromkeys(claims.values()))[:MAX_NAMED]
    return found


async def _same(connection: AsyncConnection, receipts: Sequence[ReceiptView]) -> list[_Same]:
    """Find the receipts with the file or invoice of one that belongs to another ticket."""
    own: dict[str, set[int | None]] = {}
    for receipt in receipts:
        for value in filter(None, (receipt.sha256, receipt.invoice_key)):
            own.setdefault(value, set()).add(receipt.ticket_id)
    values = {
        "files": sorted({receipt.sha256 for receipt in receipts}),
        "invoices": sorted({receipt.invoice_key for receipt in receipts if receipt.invoice_key}),
    }
    return [
        _Same(Proof(proof), value, ticket_id)
        for proof, value, ticket_id in await connection.execute(_SAME, values)
        if own[value] != {ticket_id}
    ]


async def _counting(
    connection: AsyncConnection, ticket_ids: set[int], actor: Actor
) -> dict[int, Claim]:
    """Return what the actor may know of those tickets that are neither denied nor withdrawn."""
    rows = await connection.execute(_COUNTING, {"ticket_ids": sorted(ticket_ids)})
    return {
        row.id: (
            Claim(Proof.FILE, row.id, row.username, row.created_at)
            if row.suspended_at is None
            and (actor.role is Role.EMPLOYER or row.owner_id == actor.id)
            else Claim(Proof.FILE)
        )
        for row in rows
    }


def _with(proof: Proof, column: Any, values: str) -> Select[*tuple[Any, ...]]:
    return (
        select(constant(proof).label("proof"), column, receipt_table.c.ticket_id)
        .where(
            column == any_(bindparam(values, type_=ARRAY(Text))),
            receipt_table.c.ticket_id.is_not(None),
        )
        .order_by(receipt_table.c.id)
        .limit(constant(MAX_READ))
    )


# Built once, since each list with receipts sends them.
_SAME = union_all(
    _with(Proof.FILE, receipt_table.c.sha256, "files"),
    _with(Proof.INVOICE, receipt_table.c.invoice_key, "invoices"),
)
_COUNTING = (
    select(
        ticket_table.c.id,
        ticket_table.c.owner_id,
        ticket_table.c.created_at,
        user_table.c.username,
        user_table.c.suspended_at,
    )
    .join(user_table, user_table.c.id == ticket_table.c.owner_id)
    .where(
        ticket_table.c.id == any_(bindparam("ticket_ids", type_=ARRAY(BigInteger))),
        ticket_table.c.status.in_(map(constant, STILL_COUNTS)),
    )
)
