"""Hints at tickets that look like the same purchase filed twice. They never block."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Date,
    Numeric,
    Select,
    Text,
    and_,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.tickets.models import TicketStatus, idempotency_key_table, ticket_table
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.queries import TicketView, visible_to
from expenses.users.models import Actor

# One is enough to look into; a link to a shop's front page would name thousands.
MAX_NAMED = 3
# What is read for a whole list at once. Where more looks alike, each ticket is asked for by itself.
MAX_SIMILAR = 500

# Of a purchase that is not filed yet; no ticket has it.
_NO_ID = 0


class Similarity(StrEnum):
    PURCHASE = "purchase"
    LINK = "link"


class Duplicate(NamedTuple):
    """Another ticket, and what it shares: employee, amount and date, or a link."""

    ticket_id: int
    likeness: Similarity


class Purchase(NamedTuple):
    """A ticket that is being filed, as far as it is filled in; missing values match nothing.

    With its `idempotency_key`, the ticket that was filed with that key is not a duplicate.
    """

    spent_on: date | None
    amount: Decimal | None
    currency: str | None
    links: Sequence[str]
    idempotency_key: str | None = None


async def duplicates_of(
    connection: AsyncConnection, tickets: Sequence[TicketView], *, actor: Actor
) -> dict[int, list[Duplicate]]:
    """Find, by ticket, what looks like it among the tickets that `actor` sees.

    Withdrawn tickets are not duplicates.
    """
    tickets = [ticket for ticket in tickets if ticket.status is not TicketStatus.WITHDRAWN]
    if not tickets:
        return {}
    rows = (await connection.execute(_similar_to_any(actor, tickets))).all()
    if len(rows) < MAX_SIMILAR:
        return _by_ticket(rows, tickets)
    alike = {ticket.id: await _similar_to_one(connection, ticket, actor) for ticket in tickets}
    return {ticket_id: found for ticket_id, found in alike.items() if found}


async def duplicates_of_purchase(
    connection: AsyncConnection, purchase: Purchase, *, actor: Actor
) -> list[Duplicate]:
    """Find what looks like a purchase that `actor` is about to file. Raises `Forbidden`."""
    ensure_can_create(actor)
    filed = func.coalesce(_filed_with(purchase.idempotency_key, actor), _NO_ID)
    said = (actor.id, purchase.spent_on, purchase.amount, purchase.currency)
    query = _similar_to(actor, filed, said, purchase.links)
    return _read(await connection.execute(query))


async def _similar_to_one(
    connection: AsyncConnection, ticket: TicketView, actor: Actor
) -> list[Duplicate]:
    purchase = (ticket.owner_id, ticket.spent_on, ticket.amount, ticket.currency)
    query = _similar_to(actor, literal(ticket.id, BigInteger), purchase, ticket.links)
    return _read(await connection.execute(query))


def _read(rows: Iterable[Sequence[Any]]) -> list[Duplicate]:
    return _first_of_each([Duplicate(number, Similarity(likeness)) for number, likeness in rows])


def _by_ticket(
    rows: Iterable[Sequence[Any]], tickets: Sequence[TicketView]
) -> dict[int, list[Duplicate]]:
    found: defaultdict[int, list[Duplicate]] = defaultdict(list)
    linked: defaultdict[str, set[int]] = defaultdict(set)
    for ticket_id, purchase_of, links in rows:
        if purchase_of is not None:
            found[purchase_of].append(Duplicate(ticket_id, Similarity.PURCHASE))
        for link in links if purchase_of is None else ():
            linked[link].add(ticket_id)
    for ticket in tickets:
        others = set().union(*(linked[link] for link in ticket.links)) - {ticket.id}
        if others:
            found[ticket.id] += [Duplicate(each, Similarity.LINK) for each in sorted(others)]
    return {ticket_id: _first_of_each(duplicates) for ticket_id, duplicates in found.items()}


def _first_of_each(duplicates: Sequence[Duplicate]) -> list[Duplicate]:
    """Keep a few of each kind, and each ticket once."""
    firsts: dict[int, Duplicate] = {}
    for likeness in Similarity:
        alike = [each for each in duplicates if each.likeness is likeness][:MAX_NAMED]
        for duplicate in alike:
            firsts.setdefault(duplicate.ticket_id, duplicate)
    return list(firsts.values())


def _filed_with(key: str | None, actor: Actor) -> ColumnElement[int | None]:
    return (
        select(idempotency_key_table.c.ticket_id)
        .where(idempotency_key_table.c.user_id == actor.id, idempotency_key_table.c.key == key)
        .scalar_subquery()
    )


def _similar_to_any(
    actor: Actor, tickets: Sequence[TicketView]
) -> CompoundSelect[*tuple[Any, ...]]:
    """Look up what is like any of the tickets.

    Both halves look up values and do not join tickets, which a sharded database cannot do.
    """
    this = (
        func.unnest(
            literal([ticket.id for ticket in tickets], ARRAY(BigInteger)),
            literal([ticket.owner_id for ticket in tickets], ARRAY(BigInteger)),
            literal([ticket.spent_on for ticket in tickets], ARRAY(Date)),
            literal([ticket.amount for ticket in tickets], ARRAY(Numeric(12, 2))),
            literal([ticket.currency for ticket in tickets], ARRAY(Text)),
        )
        .table_valued("id", "owner_id", "spent_on", "amount", "currency")
        .render_derived("this")
    )
    same = (
        select(ticket_table.c.id, this.c.id.label("purchase_of"), ticket_table.c.links)
        .join(
            this,
            and_(
                ticket_table.c.owner_id == this.c.owner_id,
                ticket_table.c.spent_on == this.c.spent_on,
                ticket_table.c.amount == this.c.amount,
                ticket_table.c.currency == this.c.currency,
                ticket_table.c.id != this.c.id,
            ),
        )
        .where(*_candidates(actor))
    )
    links = literal(sorted({link for ticket in tickets for link in ticket.links}), ARRAY(Text))
    nothing = cast(None, BigInteger)
    linked = select(ticket_table.c.id, nothing, ticket_table.c.links).where(
        *_candidates(actor), _shares(links)
    )
    return _first_of(same, linked, limit=MAX_SIMILAR)


def _similar_to(
    actor: Actor,
    ticket_id: ColumnElement[Any],
    purchase: tuple[int, date | None, Decimal | None, str | None],
    links: Sequence[str],
) -> CompoundSelect[*tuple[Any, ...]]:
    """`purchase` is owner, date, amount and currency."""
    columns = (
        ticket_table.c.owner_id,
        ticket_table.c.spent_on,
        ticket_table.c.amount,
        ticket_table.c.currency,
    )
    # Not `==`, which would make IS NULL of what is missing, and that is like nothing.
    is_same = and_(
        *[
            column.op("=", is_comparison=True)(literal(value, column.type))
            for column, value in zip(columns, purchase, strict=True)
        ]
    )
    shares = _shares(literal(list(links), ARRAY(Text)))
    return _first_of(
        *(
            select(ticket_table.c.id, literal(likeness.value)).where(
                *_candidates(actor), ticket_table.c.id != ticket_id, condition
            )
            for likeness, condition in (
                (Similarity.PURCHASE, is_same),
                (Similarity.LINK, shares),
            )
        ),
        limit=MAX_NAMED,
    )


def _candidates(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return visible_to(actor), ticket_table.c.status != constant(TicketStatus.WITHDRAWN)


def _shares(links: ColumnElement[Any]) -> ColumnElement[bool]:
    # Once would do. But PostgreSQL takes it that one in a hundred tickets shares a link, and
    # hopes to come across some by reading the table; said three times, it is one in a million, and
    # it looks them up.
    return and_(*[ticket_table.c.links.overlap(links)] * 3)


def _first_of(*halves: Select[*tuple[Any, ...]], limit: int) -> CompoundSelect[*tuple[Any, ...]]:
    return union_all(*(half.limit(constant(limit)) for half in halves))
