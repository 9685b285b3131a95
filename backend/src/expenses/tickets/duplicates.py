"""Hints, never blocks: tickets that look like the same purchase filed twice."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Numeric,
    Select,
    String,
    Text,
    and_,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.tickets.models import IdempotencyKey, Ticket, TicketStatus
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.queries import visible_to
from expenses.users.models import Actor

# One is enough to look into; a link to a shop's front page would name thousands.
MOST_NAMED = 3

# Of a purchase that is not filed yet; no ticket has it.
_NO_ID = 0


class Likeness(StrEnum):
    PURCHASE = "purchase"
    LINK = "link"


class Duplicate(NamedTuple):
    """Another ticket, and what it shares: employee, amount and day, or a link."""

    ticket_id: int
    likeness: Likeness


class Purchase(NamedTuple):
    """A ticket that is being filed, as far as its owner has got; what is missing is like nothing.

    With its `idempotency_key`, the ticket that was filed with that key is not another one.
    """

    spent_on: date | None
    amount: Decimal | None
    currency: str | None
    links: Sequence[str]
    idempotency_key: str | None = None


async def duplicates_of(
    session: AsyncSession, ticket_ids: Sequence[int], *, actor: Actor
) -> dict[int, list[Duplicate]]:
    """By ticket, what looks like it among the tickets that `actor` sees; one statement.

    Withdrawn tickets are nobody's duplicate.
    """
    if not ticket_ids:
        return {}
    these = select(
        Ticket.id,
        Ticket.owner_id,
        Ticket.spent_on,
        Ticket.amount,
        Ticket.currency,
        Ticket.links,
    ).where(Ticket.id.in_(ticket_ids), Ticket.status != TicketStatus.WITHDRAWN)
    return await _duplicates(session, these, actor=actor)


async def duplicates_of_purchase(
    session: AsyncSession, purchase: Purchase, *, actor: Actor
) -> list[Duplicate]:
    """What looks like a purchase that `actor` is about to file. Raises `Forbidden`."""
    ensure_can_create(actor)
    this = select(
        func.coalesce(_filed_with(purchase.idempotency_key, actor), _NO_ID).label("id"),
        literal(actor.id, BigInteger).label("owner_id"),
        literal(purchase.spent_on, Date).label("spent_on"),
        literal(purchase.amount, Numeric).label("amount"),
        literal(purchase.currency, Text).label("currency"),
        literal(list(purchase.links), ARRAY(Text)).label("links"),
    )
    found = await _duplicates(session, this, actor=actor)
    return next(iter(found.values()), [])


def _filed_with(key: str | None, actor: Actor) -> ColumnElement[int | None]:
    return (
        select(IdempotencyKey.ticket_id)
        .where(IdempotencyKey.user_id == actor.id, IdempotencyKey.key == key)
        .scalar_subquery()
    )


async def _duplicates(
    session: AsyncSession, these: Select[*tuple[Any, ...]], *, actor: Actor
) -> dict[int, list[Duplicate]]:
    this = these.subquery("this")
    branches = []
    for likeness, condition in _likenesses(this).items():
        others = (
            select(Ticket.id)
            .where(
                visible_to(actor),
                condition,
                Ticket.id != this.c.id,
                Ticket.status != TicketStatus.WITHDRAWN,
            )
            .correlate(this)
            .limit(MOST_NAMED)
            .lateral()
        )
        branches.append(
            select(this.c.id, others.c.id, literal(likeness.value, String))
            .select_from(this)
            .join(others, literal(True))
        )
    found: defaultdict[int, list[Duplicate]] = defaultdict(list)
    for ticket_id, other_id, likeness_name in await session.execute(union_all(*branches)):
        if other_id not in {duplicate.ticket_id for duplicate in found[ticket_id]}:
            found[ticket_id].append(Duplicate(other_id, Likeness(likeness_name)))
    return dict(found)


def _likenesses(this: FromClause) -> dict[Likeness, ColumnElement[bool]]:
    return {
        Likeness.PURCHASE: (
            (Ticket.owner_id == this.c.owner_id)
            & (Ticket.spent_on == this.c.spent_on)
            & (Ticket.amount == this.c.amount)
            & (Ticket.currency == this.c.currency)
        ),
        # Once would do. But PostgreSQL takes it that one in a hundred tickets shares a link, and
        # hopes to come across three of them by reading the table; said three times, it is one in
        # a million, and it looks them up.
        Likeness.LINK: and_(*[Ticket.links.overlap(this.c.links)] * 3),
    }
