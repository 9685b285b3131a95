"""Hints, never blocks: tickets that look like the same purchase filed twice."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    FromClause,
    Numeric,
    Select,
    String,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.statements import Statement
from expenses.tickets.models import IdempotencyKey, Ticket
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.queries import Somebody, visible_to
from expenses.users.models import Actor, Role

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
    statement = _duplicates_statement(actor.role)
    return _by_ticket(await statement.rows(session, actor_id=actor.id, ticket_ids=list(ticket_ids)))


@cache
def _duplicates_statement(role: Role) -> Statement:
    ticket_ids = bindparam("ticket_ids", type_=ARRAY(BigInteger))
    these = select(
        Ticket.id,
        Ticket.owner_id,
        Ticket.spent_on,
        Ticket.amount,
        Ticket.currency,
        Ticket.links,
    ).where(Ticket.id == any_(ticket_ids), Ticket.status != literal_column("'withdrawn'"))
    return Statement(_duplicates_query(these, Somebody(role)))


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
    found = _by_ticket((await session.execute(_duplicates_query(this, actor))).all())
    return next(iter(found.values()), [])


def _filed_with(key: str | None, actor: Actor) -> ColumnElement[int | None]:
    return (
        select(IdempotencyKey.ticket_id)
        .where(IdempotencyKey.user_id == actor.id, IdempotencyKey.key == key)
        .scalar_subquery()
    )


def _by_ticket(rows: Iterable[Sequence[Any]]) -> dict[int, list[Duplicate]]:
    found: defaultdict[int, list[Duplicate]] = defaultdict(list)
    for ticket_id, other_id, likeness_name in rows:
        if other_id not in {duplicate.ticket_id for duplicate in found[ticket_id]}:
            found[ticket_id].append(Duplicate(other_id, Likeness(likeness_name)))
    return dict(found)


def _duplicates_query(
    these: Select[*tuple[Any, ...]], actor: Actor
) -> CompoundSelect[*tuple[Any, ...]]:
    this = these.subquery("this")
    branches = []
    for likeness, condition in _likenesses(this).items():
        others = (
            select(Ticket.id)
            .where(
                visible_to(actor),
                condition,
                Ticket.id != this.c.id,
                Ticket.status != literal_column("'withdrawn'"),
            )
            .correlate(this)
            .limit(literal_column(str(MOST_NAMED)))
            .lateral()
        )
        branches.append(
            select(this.c.id, others.c.id, literal_column(f"'{likeness}'", String))
            .select_from(this)
            .join(others, true())
        )
    return union_all(*branches)


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
