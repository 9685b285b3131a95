"""A believable company of any size: its people, their tickets, and what happened to them.

All of it comes from one random seed: two of the same size, made on the same day, are equal.
Nothing in here repeats a rule; the database's own constraints judge the outcome.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, count, product
from random import Random
from typing import Any

import orjson

from benchmarks import words
from benchmarks.rows import Batch, EventRow, TicketRow, UserRow, created, of_ticket, of_user
from expenses.tickets.models import Category, TicketStatus
from expenses.users.models import Role

SEED = 20_261_123
YEARS = 5
BATCH = 4_000
TICKETS_EACH = 200
EMPLOYEES_PER_EMPLOYER = 100
FEWEST_EMPLOYERS = 3
# Every fiftieth employee is suspended.
SUSPENDED_EVERY = 50
PASSWORD = "measured-2026"  # noqa: S105, of people who do not exist

CURRENCIES = {"USD": 68, "EUR": 15, "CNY": 8, "GBP": 6, "JPY": 3}
# How often each is filed, and what half of the tickets stay below.
CATEGORIES: dict[Category, tuple[int, float]] = {
    Category.TRAVEL: (28, 85),
    Category.MEALS: (30, 32),
    Category.LODGING: (14, 240),
    Category.SOFTWARE: (9, 60),
    Category.EQUIPMENT: (8, 150),
    Category.TRAINING: (5, 320),
    Category.OTHER: (6, 25),
}
PRICES = 5_000  # of each category
APPROVED, DENIED = 0.87, 0.96  # of those that are not pending; the rest is withdrawn
# Nearly all that is pending is recent: 3 % of all.
RECENT, PENDING_OF_RECENT, PENDING_OF_OLD = 0.96, 0.68, 0.003


@dataclass
class Company:
    """`size` is the number of tickets; `now` is when the last of them was filed."""

    size: int
    password_hash: str
    now: datetime
    random: Random = field(default_factory=lambda: Random(SEED))  # noqa: S311, nothing secret

    def __post_init__(self) -> None:
        self._days = _working_days(self.now.date())
        self.employers = [*self._employers()]
        self.employees = [*self._employees()]
        self._prices = {
            category: self._price_list(usual) for category, (_, usual) in CATEGORIES.items()
        }
        self._joined = [employee.created_at for employee in self.employees]
        self._later: list[tuple[datetime, int, EventRow]] = []
        self._numbers = count()

    @property
    def users(self) -> list[UserRow]:
        return self.employers + self.employees

    def batches(self) -> Iterator[Batch]:
        """All tickets in the order of their ids, all events in the order of their time."""
        for event in self._events_of_users():
            self._schedule(event)
        for first in range(1, self.size + 1, BATCH):
            last = min(first + BATCH - 1, self.size)
            tickets = [self._ticket(ticket_id) for ticket_id in range(first, last + 1)]
            yield Batch(tickets, [*self._events_until(tickets[-1].created_at)])
        yield Batch([], [*self._events_until(self.now)])

    def pending_tickets(self, ids: Iterable[int], owner_id: int) -> Batch:
        """Tickets of today that wait for a decision, all of one employee."""
        tickets = [
            self._undecided(ticket_id, owner_id, self.now - timedelta(seconds=1))
            for ticket_id in ids
        ]
        return Batch(tickets, [created(ticket) for ticket in tickets])

    # People

    def _employers(self) -> Iterator[UserRow]:
        number = max(FEWEST_EMPLOYERS, self._number_of_employees // EMPLOYEES_PER_EMPLOYER)
        for user_id in range(1, number + 1):
            yield self._user(user_id, Role.EMPLOYER, _at(self._days[0], 7 * 3600 + user_id / 100))

    def _employees(self) -> Iterator[UserRow]:
        """A third was there from the beginning, the others came since."""
        number, first = self._number_of_employees, len(self.employers) + 1
        for index in range(number):
            share = max(0.0, index / number * 1.5 - 0.5)
            day = self._days[int(share * (len(self._days) - 1))]
            joined = _at(day, 7.5 * 3600 + index * 1800 / number)
            suspended = index % SUSPENDED_EVERY == SUSPENDED_EVERY - 1
            yield self._user(
                first + index,
                Role.EMPLOYEE,
                joined,
                self._between(joined, self.now) if suspended else None,
            )

    @property
    def _number_of_employees(self) -> int:
        return max(1, self.size // TICKETS_EACH)

    def _user(
        self, user_id: int, role: Role, joined: datetime, suspended_at: datetime | None = None
    ) -> UserRow:
        first = words.FIRST_NAMES[int(self.random.random() * len(words.FIRST_NAMES))]
        last = words.LAST_NAMES[int(self.random.random() * len(words.LAST_NAMES))]
        email = f"{first}.{last}.{user_id}@contoso.example".lower()
        return UserRow(
            user_id, email, f"{first} {last}", role, self.password_hash, suspended_at, joined
        )

    def _events_of_users(self) -> Iterator[EventRow]:
        for user in self.users:
            yield of_user("user.registered", user.created_at, user.id, user.id, role=user.role)
            if user.suspended_at is not None:
                yield of_user(
                    "user.suspended",
                    user.suspended_at,
                    self._employer(),
                    user.id,
                    reason="Left the company",
                    sessions_ended=0,
                )

    def _employer(self) -> int:
        return 1 + int(self.random.random() * len(self.employers))

    def _owner(self, at: datetime) -> UserRow:
        """Somebody who worked here then."""
        there = max(1, bisect_left(self._joined, at))
        while True:
            owner = self.employees[int(self.random.random() * there)]
            if owner.suspended_at is None or owner.suspended_at > at:
                return owner

    # Tickets

    def _ticket(self, ticket_id: int) -> TicketRow:
        random = self.random.random
        share = (ticket_id - random()) / self.size
        filed = self._working_time(share)
        ticket = self._undecided(ticket_id, self._owner(filed).id, filed)
        self._schedule(created(ticket))
        if random() < (PENDING_OF_RECENT if share > RECENT else PENDING_OF_OLD):
            return ticket
        ended = filed + timedelta(minutes=10, hours=self.random.expovariate(1 / 50))
        return ticket if ended >= self.now else self._ended(ticket, ended, random())

    def _undecided(self, ticket_id: int, owner_id: int, filed: datetime) -> TicketRow:
        random = self.random.random
        category = _picked(_CATEGORIES, random())
        openings = _OPENINGS[category]
        description = (
            f"{openings[int(random() * len(openings))]}, "
            f"{_PURPOSES[int(random() * len(_PURPOSES))]}"
        )
        if ticket_id % max(1, self.size // words.FEW_TICKETS) == 0:
            description += f" ({words.RARE_WORD})"
        return TicketRow(
            ticket_id,
            owner_id,
            filed.date() - _DAYS_UNTIL_FILED[int(random() ** 3 * len(_DAYS_UNTIL_FILED))],
            self._prices[category][int(random() * PRICES)],
            _picked(_CURRENCIES, random()),
            category.value,
            description,
            self._links(ticket_id),
            _PENDING,
            None,
            None,
            None,
            filed,
            filed,
        )

    def _ended(self, ticket: TicketRow, at: datetime, share: float) -> TicketRow:
        """Decided, or, now and then, withdrawn."""
        if share >= DENIED:
            self._schedule(of_ticket("ticket.withdrawn", at, ticket.owner_id, ticket, b"{}"))
            return ticket._replace(status=_WITHDRAWN, updated_at=at)
        status, reasons = (_APPROVED, _NOTES) if share < APPROVED else (_DENIED, words.DENIALS)
        reason = reasons[int(self.random.random() * len(reasons))]
        by, details = self._employer(), orjson.dumps({"reason": reason})
        self._schedule(of_ticket(f"ticket.{status}", at, by, ticket, details))
        return TicketRow._make((*ticket[:_STATUS], status, by, at, reason, ticket.created_at, at))

    def _price_list(self, usual: float) -> list[Decimal]:
        """What things of a category cost: many a little, few a lot."""
        prices = (self.random.lognormvariate(0, 0.8) * usual for _ in range(PRICES))
        return [Decimal(int(price * 100) + 100).scaleb(-2) for price in prices]

    def _links(self, ticket_id: int) -> list[str]:
        chance = self.random.random()
        if chance < 0.55:
            return []
        receipt = f"https://receipts.example.com/{ticket_id * 2_654_435_761 % 2**32:08x}"
        return [receipt] if chance < 0.92 else [receipt, f"{receipt}/page-2"]

    # Time

    def _working_time(self, share: float) -> datetime:
        """A moment between eight and six, as far into the company's years as `share` says."""
        day, part = divmod(share * len(self._days), 1)
        return min(_at(self._days[int(day)], 8 * 3600 + part * 36_000), self.now)

    def _between(self, first: datetime, last: datetime) -> datetime:
        return first + (last - first) * self.random.random()

    def _schedule(self, event: EventRow) -> None:
        # The number keeps events of the same moment in the order in which they came up.
        heapq.heappush(self._later, (event.at, next(self._numbers), event))

    def _events_until(self, moment: datetime) -> Iterator[EventRow]:
        while self._later and self._later[0][0] <= moment:
            yield heapq.heappop(self._later)[2]


def _working_days(today: date) -> list[date]:
    first = today - timedelta(days=365 * YEARS)
    days = (first + timedelta(days=number) for number in range(365 * YEARS))
    return [day for day in days if day.weekday() < 5]


def _at(day: date, second: float) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(seconds=second)


def _picked(weighted: tuple[list[Any], list[float]], share: float) -> Any:
    values, limits = weighted
    return values[bisect_left(limits, share * limits[-1])]


_STATUS = TicketRow._fields.index("status")
_PENDING, _APPROVED, _DENIED, _WITHDRAWN = (status.value for status in TicketStatus)
_DAYS_UNTIL_FILED = [timedelta(days=number) for number in range(45)]
# Most approvals say nothing.
_NOTES: tuple[str | None, ...] = (*words.NOTES, *([None] * 20))
_CURRENCIES = [*CURRENCIES], [*accumulate(map(float, CURRENCIES.values()))]
_CATEGORIES = [*CATEGORIES], [*accumulate(float(weight) for weight, _ in CATEGORIES.values())]
_OPENINGS = {
    category: [thing.format(place=place) for thing, place in product(things, words.PLACES)]
    for category, things in words.THINGS.items()
}
_PURPOSES = [
    purpose.format(customer=customer)
    for purpose, customer in product(words.PURPOSES, words.CUSTOMERS)
]
