"""How many tickets match and what they add up to, counted up to a limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, Self

from sqlalchemy import FromClause, Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.tickets.filters import TicketFilter, conditions
from expenses.tickets.models import PaymentStatus, TicketStatus, ticket_table
from expenses.tickets.queries import BoundActor, visible_to
from expenses.users.models import Actor, Role

# In the order of the lists' tabs.
STATUSES: tuple[TicketStatus | PaymentStatus, ...] = (
    TicketStatus.PENDING,
    TicketStatus.APPROVED,
    PaymentStatus.DUE,
    PaymentStatus.PAID,
    TicketStatus.DENIED,
    TicketStatus.WITHDRAWN,
)
# These are counted; what is approved is either due or paid.
COUNTED = tuple(status for status in STATUSES if status is not TicketStatus.APPROVED)
# What is counted and summed exactly; beyond it, counting would cost more the longer one is here.
COUNT_LIMIT = 10_000
# The same for what is paid, denied or withdrawn while something else is listed: nobody waits for
# that.
SETTLED_COUNT_LIMIT = 1_000
# The same for filters by what no index has in the order of the list: their tickets have to be read.
FILTER_COUNT_LIMIT = 1_000
# The same for a search, whose every hit has to be read, and where some words are in every ticket.
SEARCH_COUNT_LIMIT = 100


@dataclass(frozen=True)
class Count:
    """How many there are, or at least how many where counting stopped at the limit."""

    number: int
    is_capped: bool = False

    @classmethod
    def capped(cls, number: int, limit: int | None = None) -> Self:
        """Cap a number that was counted to one more than the limit."""
        limit = COUNT_LIMIT if limit is None else limit
        return cls(min(number, limit), number > limit)

    def at_least(self, number: int) -> "Count":
        """Return the same count, but no lower than what has been seen."""
        return Count(max(self.number, number), True) if self.is_capped else self

    def __add__(self, other: "Count") -> "Count":
        number = self.number + other.number
        is_capped = self.is_capped or other.is_capped or number > COUNT_LIMIT
        return Count(min(number, COUNT_LIMIT), is_capped)


@dataclass(frozen=True)
class Totals:
    """How many tickets match, and their amounts by currency.

    `amounts` is empty where not all were counted: part of a sum says nothing.
    """

    count: Count
    amounts: dict[str, Decimal]


class Counts(dict[TicketStatus | PaymentStatus | None, Count]):
    """The number of matches in each status; what is due or paid is among the approved ones.

    None stands for all of them.
    """

    @classmethod
    def of(cls, counted: Iterable[Count]) -> Self:
        """Add up the rest from what was counted in each of `COUNTED`."""
        counts = cls(zip(COUNTED, counted, strict=True))
        counts[TicketStatus.APPROVED] = counts[PaymentStatus.DUE] + counts[PaymentStatus.PAID]
        counts[None] = sum((counts[status] for status in TicketStatus), Count(0))
        return counts

    @property
    def all(self) -> Count:
        return self[None]


class Matches(NamedTuple):
    """The number of matches in each status, and the totals of the status that was asked for."""

    counts: Counts
    totals: Totals


async def count_matches(
    connection: AsyncConnection, *, actor: Actor, matching: TicketFilter
) -> Matches:
    asked = matching.payment or matching.status
    if not matching.is_indexed:
        found = await _found(connection, actor=actor, matching=matching)
        counts = _counts_of(found, matching)
        listed = counts[asked]
        return Matches(counts, Totals(listed, {} if listed.is_capped else _sums(found, asked)))
    counts = await count_by_status(connection, actor=actor, matching=matching)
    listed = counts[asked]
    # What is too much to be counted is too much to be added up.
    if listed.is_capped and listed.number >= COUNT_LIMIT:
        return Matches(counts, Totals(listed, {}))
    exact = await totals(connection, actor=actor, matching=matching)
    return Matches(Counts(counts | {asked: exact.count}), exact)


async def count_by_status(
    connection: AsyncConnection, *, actor: Actor, matching: TicketFilter
) -> Counts:
    """Count the matches in each status, whatever status `matching` asks for."""
    if not matching.is_indexed:
        found = await _found(connection, actor=actor, matching=matching)
        return _counts_of(found, matching)
    limits = {status: _limit_of(status, matching) for status in COUNTED}
    anything = replace(matching, status=None, payment=None)
    query = _count_query(actor.role, anything, tuple(limits.items()))
    row = (await connection.execute(query, {"actor_id": actor.id})).one()
    return Counts.of(map(Count.capped, row, limits.values()))


def _limit_of(status: TicketStatus | PaymentStatus, matching: TicketFilter) -> int:
    listed = matching.payment or matching.status
    if status in (TicketStatus.PENDING, PaymentStatus.DUE, listed):
        return COUNT_LIMIT
    if status is PaymentStatus.PAID and listed is TicketStatus.APPROVED:
        return COUNT_LIMIT
    return SETTLED_COUNT_LIMIT


async def totals(connection: AsyncConnection, *, actor: Actor, matching: TicketFilter) -> Totals:
    query = _totals_query(actor.role, matching, COUNT_LIMIT + 1)
    sums = (await connection.execute(query, {"actor_id": actor.id})).all()
    count = Count.capped(sum(number for _, number, _ in sums))
    amounts = {} if count.is_capped else {currency: amount for currency, _, amount in sums}
    return Totals(count, amounts)


# These are sent with every list: building them costs as much as sending them.
@lru_cache
def _count_query(
    role: Role,
    matching: TicketFilter,
    limits: tuple[tuple[TicketStatus | PaymentStatus, int], ...],
) -> Select[*tuple[Any, ...]]:
    counts = [
        select(func.count().label("number"))
        .select_from(
            select(ticket_table.c.id)
            .where(visible_to(BoundActor(role)), *conditions(_in_status(matching, status)))
            .limit(constant(limit + 1))
            .subquery()
        )
        .subquery(status)
        for status, limit in limits
    ]
    # Side by side and not as columns: a sharded database counts each where the tickets are.
    joined: FromClause = counts[0]
    for count in counts[1:]:
        joined = joined.join(count, true())
    return select(*(count.c.number for count in counts)).select_from(joined)


@lru_cache
def _totals_query(role: Role, matching: TicketFilter, limit: int) -> Select[*tuple[Any, ...]]:
    some = (
        select(ticket_table.c.currency, ticket_table.c.amount)
        .where(visible_to(BoundActor(role)), *conditions(matching))
        .limit(constant(limit))
        .subquery()
    )
    return (
        select(some.c.currency, func.count(), func.sum(some.c.amount))
        .group_by(some.c.currency)
        .order_by(some.c.currency)
    )


def _in_status(matching: TicketFilter, status: TicketStatus | PaymentStatus) -> TicketFilter:
    if isinstance(status, PaymentStatus):
        return replace(matching, status=None, payment=status)
    return replace(matching, status=status, payment=None)


class _Found(NamedTuple):
    status: TicketStatus
    is_paid: bool
    currency: str
    number: int
    amount: Decimal

    @property
    def statuses(self) -> set[TicketStatus | PaymentStatus]:
        if self.status is not TicketStatus.APPROVED:
            return {self.status}
        return {self.status, PaymentStatus.PAID if self.is_paid else PaymentStatus.DUE}


async def _found(
    connection: AsyncConnection, *, actor: Actor, matching: TicketFilter
) -> list[_Found]:
    """Add up the matches by status and currency, or the latest where there are too many."""
    dated = matching.first_date is not None or matching.last_date is not None
    some = (
        select(
            ticket_table.c.status,
            ticket_table.c.paid_at.is_not(None).label("is_paid"),
            ticket_table.c.currency,
            ticket_table.c.amount,
        )
        .where(visible_to(actor), *conditions(replace(matching, status=None, payment=None)))
        # What is frequent is found by walking along the tickets, not in a long list of them all.
        .order_by(ticket_table.c.spent_on.desc() if dated else ticket_table.c.id.desc())
        .limit(constant(_limit(matching) + 1))
        .subquery()
    )
    rows = await connection.execute(
        select(
            some.c.status,
            some.c.is_paid,
            some.c.currency,
            func.count(),
            func.sum(some.c.amount),
        ).group_by(some.c.status, some.c.is_paid, some.c.currency)
    )
    return [_Found._make(row) for row in rows]


def _limit(matching: TicketFilter) -> int:
    return SEARCH_COUNT_LIMIT if matching.is_search else FILTER_COUNT_LIMIT


def _counts_of(found: Sequence[_Found], matching: TicketFilter) -> Counts:
    is_capped = sum(some.number for some in found) > _limit(matching)
    numbers = dict.fromkeys((*STATUSES, None), 0)
    for some in found:
        for status in (*some.statuses, None):
            numbers[status] += some.number
    return Counts({status: Count(number, is_capped) for status, number in numbers.items()})


def _sums(
    found: Sequence[_Found], status: TicketStatus | PaymentStatus | None
) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for some in sorted(found, key=lambda some: some.currency):
        if status is None or status in some.statuses:
            sums[some.currency] = sums.get(some.currency, Decimal(0)) + some.amount
    return sums
