"""Hints at tickets that look like the same purchase filed twice. They never block."""

from collections.abc import Collection, Sequence
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
    Numeric,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY as PostgresArray  # noqa: N811
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.tickets.models import TicketStatus, idempotency_key_table, ticket_table
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.queries import BoundActor, TicketView, visible_to
from expenses.users.models import Actor, Role

# One is enough to look into; a link to a shop's front page would name thousands.
MAX_NAMED = 3
# What is read of each kind at once, and how often. Few companies have a tenth of that alike.
MAX_READ = 5000
MAX_STATEMENTS = 4

# Of a purchase that is not filed yet; no ticket has it.
_NO_ID = 0

Bought = tuple[int, date, Decimal, str]
"""Owner, date, amount and currency: what tickets for the same purchase share."""

_BOUGHT = ("owner_id", "spent_on", "amount", "currency")

Found = dict[Bought | str, set[int]]
"""Ids of tickets, by a purchase or a link that they share."""


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
    found: Found = {}
    for ticket in tickets:
        for shared in _shareable(ticket):
            found.setdefault(shared, set()).add(ticket.id)
    await _find_others(connection, found, actor)
    duplicates = {ticket.id: _named(ticket, found) for ticket in tickets}
    return {ticket_id: named for ticket_id, named in duplicates.items() if named}


async def duplicates_of_purchase(
    connection: AsyncConnection, purchase: Purchase, *, actor: Actor
) -> list[Duplicate]:
    """Find what looks like a purchase that `actor` is about to file. Raises `Forbidden`."""
    ensure_can_create(actor)
    filed = func.coalesce(_filed_with(purchase.idempotency_key, actor), _NO_ID)
    said = (actor.id, purchase.spent_on, purchase.amount, purchase.currency)
    rows = await connection.execute(_similar_to(actor, filed, said, purchase.links))
    return _first_of_each([Duplicate(number, Similarity(likeness)) for number, likeness in rows])


async def _find_others(connection: AsyncConnection, found: Found, actor: Actor) -> None:
    """Add the ids of tickets that share what fewer than can be named on the page share.

    One statement, unless thousands are alike and leave no room for the rest, which is then asked
    for again.
    """
    wanted: Collection[Bought | str] = found
    for _ in range(MAX_STATEMENTS):
        wanted = [shared for shared in wanted if len(found[shared]) <= MAX_NAMED]
        if not wanted:
            return
        bought = [shared for shared in wanted if not isinstance(shared, str)]
        links = [shared for shared in wanted if isinstance(shared, str)]
        columns = zip(*bought, strict=True) if bought else ((),) * 4
        values: dict[str, Any] = dict(zip(_BOUGHT, map(list, columns), strict=True))
        values |= {"actor_id": actor.id, "number": list(range(len(bought))), "links": links}
        rows = (await connection.execute(_similar_to_any(actor.role, MAX_READ), values)).all()
        for row in rows:
            found[row.link or bought[row.bought]].add(row.id)
        cut_short = {bool(row.link) for row in rows if row.number_read == MAX_READ}
        wanted = [shared for shared in wanted if isinstance(shared, str) in cut_short]


def _shareable(ticket: TicketView) -> list[Bought | str]:
    return [_bought(ticket), *ticket.links]


def _bought(ticket: TicketView) -> Bought:
    return (ticket.owner_id, ticket.spent_on, ticket.amount, ticket.currency)


def _named(ticket: TicketView, found: Found) -> list[Duplicate]:
    purchases = found[_bought(ticket)]
    linked = set[int]().union(*(found[link] for link in ticket.links))
    return _first_of_each(
        [
            Duplicate(ticket_id, likeness)
            for likeness, ids in ((Similarity.PURCHASE, purchases), (Similarity.LINK, linked))
            for ticket_id in sorted(ids - {ticket.id})
        ]
    )


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


# Built once, since building it costs more than sending it.
@cache
def _similar_to_any(role: Role, limit: int) -> Select[*tuple[Any, ...]]:
    """Look up a few tickets for each purchase, which is told by its number, and for each link.

    Says as well how many were read of this kind. Both halves look up values and do not join
    tickets, which a sharded database cannot do.
    """
    actor = BoundActor(role)
    both = _first_of(_same(actor), _linked(actor, limit), limit=limit).subquery()
    numbered = select(
        both.c.id,
        both.c.bought,
        both.c.link,
        func.count().over(partition_by=both.c.link.is_(None)).label("number_read"),
        # A ticket may have the same link twice.
        func.dense_rank()
        .over(partition_by=(both.c.bought, both.c.link), order_by=both.c.id)
        .label("position"),
    ).subquery()
    return select(*numbered.c).where(numbered.c.position <= constant(MAX_NAMED + 1))


def _same(actor: Actor) -> Select[*tuple[Any, ...]]:
    this = (
        func.unnest(
            bindparam("number", type_=ARRAY(BigInteger)),
            bindparam("owner_id", type_=ARRAY(BigInteger)),
            bindparam("spent_on", type_=ARRAY(Date)),
            bindparam("amount", type_=ARRAY(Numeric)),
            bindparam("currency", type_=ARRAY(Text)),
        )
        .table_valued("number", *_BOUGHT)
        .render_derived("this")
    )
    is_same = and_(
        ticket_table.c.owner_id == this.c.owner_id,
        ticket_table.c.spent_on == this.c.spent_on,
        ticket_table.c.amount == this.c.amount,
        ticket_table.c.currency == this.c.currency,
    )
    columns = ticket_table.c.id, this.c.number.label("bought"), cast(None, Text).label("link")
    return select(*columns).join(this, is_same).where(*_candidates(actor))


def _linked(actor: Actor, limit: int) -> Select[*tuple[Any, ...]]:
    """Look up tickets by links; a row's link is the one that was wanted, as it was written."""
    wanted = bindparam("links", type_=ARRAY(Text))
    this = func.unnest(wanted).table_valued("link").render_derived("this")
    # Each set of keys is computed once, and not for every pair of a ticket and a link.
    keys = select(this.c.link, func.link_key(this.c.link).label("key")).cte("wanted")
    tickets = (
        select(ticket_table.c.id, _link_keys(ticket_table.c.links).label("link_keys"))
        .where(*_candidates(actor), _shares(wanted))
        .limit(constant(limit))
        .cte("linked")
    )
    keys, tickets = (each.prefix_with("MATERIALIZED") for each in (keys, tickets))
    return select(tickets.c.id, cast(None, BigInteger), keys.c.link).join(
        keys, keys.c.key == any_(tickets.c.link_keys)
    )


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
    return and_(*[_link_keys(ticket_table.c.links).overlap(_link_keys(links))] * 3)


def _link_keys(links: ColumnElement[Any]) -> Any:
    """Reduce links to what tells one page from another, in the database as in its index."""
    return func.link_keys(links, type_=PostgresArray(Text))


def _first_of(*halves: Select[*tuple[Any, ...]], limit: int) -> CompoundSelect[*tuple[Any, ...]]:
    return union_all(*(half.limit(constant(limit)) for half in halves))
