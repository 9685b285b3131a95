"""The lines of the overview's charts and tables, each with the list of the tickets it counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.dates import format_date, format_skeleton
from babel.numbers import format_percent
from starlette.datastructures import QueryParams

from expenses.console.queue import address
from expenses.i18n.languages import current_language
from expenses.i18n.languages import gettext as _
from expenses.payments.totals import DueToEmployee
from expenses.tickets.models import TicketStatus
from expenses.tickets.overview import (
    AGES,
    Age,
    Alike,
    Days,
    Figure,
    Pending,
    Spending,
    TopSpending,
    ages,
    by,
)

NOTHING = Figure(0, Decimal(0))


@dataclass(frozen=True)
class Line:
    """A row of a table and a bar of a chart: tickets that belong together.

    `query` finds exactly these in the list of tickets; None where no list does. `short` is the
    label where there is little room.
    """

    label: str
    figures: dict[str, Figure]
    query: dict[str, str] | None
    short: str = ""

    @property
    def number(self) -> int:
        return sum(figure.number for figure in self.figures.values())

    @property
    def amount(self) -> Decimal:
        """The sum of a line that has one currency."""
        return next(iter(self.figures.values())).amount

    def address(self, currency: str | None = None) -> str | None:
        """Return the address of the list of all of them, or of those in one currency."""
        if self.query is None:
            return None
        return address(QueryParams(self.query), **({"currency": currency} if currency else {}))


@dataclass(frozen=True)
class Year:
    """The last twelve months in one currency."""

    months: Sequence[Days]
    currency: str

    @property
    def days(self) -> Days:
        return Days(self.months[0].first, self.months[-1].last)

    def line(
        self, label: str, figure: Figure, days: Days | None = None, short: str = "", **filters: str
    ) -> Line:
        query = _query(TicketStatus.APPROVED, days or self.days, currency=self.currency, **filters)
        return Line(label, {self.currency: figure}, query, short)


def name_of_month(month: Days) -> str:
    return str(format_skeleton("yMMMM", month.first, locale=current_language()))


def waiting(rows: Sequence[Pending]) -> Line:
    figures = by(rows, lambda row: row.currency)
    return Line("", _most_first(figures), _query(TicketStatus.PENDING))


def oldest(rows: Sequence[Pending]) -> tuple[date, str] | None:
    """Return the earliest date spent and the list of that date's tickets; None without tickets."""
    if not rows:
        return None
    day = min(row.oldest for row in rows)
    return day, address(QueryParams(_query(TicketStatus.PENDING, Days(day, day))))


def alike(rows: Sequence[Alike]) -> list[tuple[Alike, str]]:
    """Pair what may have been filed twice with the list of exactly these tickets."""
    return [
        (
            row,
            address(
                QueryParams(_query(TicketStatus.PENDING, Days(row.spent_on, row.spent_on))),
                employee=row.email,
                currency=row.currency,
                min=str(row.amount),
                max=str(row.amount),
            ),
        )
        for row in rows
    ]


def owed(rows: Sequence[DueToEmployee]) -> list[tuple[DueToEmployee, str]]:
    """Pair what is owed to an employee in a currency with the list of these tickets."""
    due = QueryParams(_query(TicketStatus.APPROVED, payment="due"))
    return [(row, address(due, employee=str(row.owner_id), currency=row.currency)) for row in rows]


def owed_sums(rows: Sequence[DueToEmployee]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, Decimal(0)) + row.amount
    return sums


def paid_lines(found: Mapping[date, Figure], year: Year) -> list[Line]:
    """List every month, also those in which nothing was paid."""
    return [
        Line(
            name_of_month(month),
            {year.currency: found.get(month.first, NOTHING)},
            None,
            short=format_date(month.first, "LLL", locale=current_language()),
        )
        for month in year.months
    ]


def age_lines(rows: Sequence[Pending], today: date) -> list[Line]:
    return [
        Line(
            _name_of_age(number),
            _most_first(by((row for row in rows if row.age == age), lambda row: row.currency)),
            _query(TicketStatus.PENDING, age),
        )
        for number, age in enumerate(ages(today))
    ]


def comparison_lines(found: Sequence[Figure], spans: Sequence[Days], year: Year) -> list[Line]:
    return [
        year.line(format_skeleton("yMMM", span.first, locale=current_language()), figure, span)
        for figure, span in zip(found, spans, strict=True)
    ]


def changes(comparison: Sequence[Line]) -> list[str]:
    """Say by how much the first line differs from each of the others that is not zero."""
    now, *before = comparison
    return [
        _("%(change)s compared with %(month)s", change=_signed(now, then), month=then.label)
        for then in before
        if then.amount
    ]


def _signed(now: Line, then: Line) -> str:
    change = now.amount / then.amount - 1
    return format_percent(change, "+#,##0%;-#,##0%", locale=current_language())


def total(rows: Sequence[Spending], year: Year) -> Line:
    return year.line("", by(rows, lambda row: row.currency).get(year.currency, NOTHING))


def month_lines(rows: Sequence[Spending], year: Year) -> list[Line]:
    """List every month, also those without spending."""
    figures = by(_in_currency(rows, year), lambda row: row.month)
    return [
        year.line(
            name_of_month(month),
            figures.get(month.first, NOTHING),
            month,
            short=format_date(month.first, "LLL", locale=current_language()),
        )
        for month in year.months
    ]


def category_lines(rows: Sequence[Spending], year: Year) -> list[Line]:
    """List the categories, the most expensive first."""
    figures = by(_in_currency(rows, year), lambda row: row.category)
    return [
        year.line(_(category.capitalize()), figure, category=category.value)
        for category, figure in sorted(figures.items(), key=lambda item: -item[1].amount)
    ]


def employee_lines(employees: TopSpending, year: Year) -> list[Line]:
    lines = [year.line(name, figure, employee=email) for name, email, figure in employees.top]
    if employees.number_of_others:
        label = _("%(number)s others", number=employees.number_of_others)
        lines.append(Line(label, {year.currency: employees.others}, None))
    return lines


def currency_lines(rows: Sequence[Spending], year: Year) -> list[Line]:
    """List the currencies, the most used first."""
    figures = by(rows, lambda row: row.currency)
    return [
        Year(year.months, currency).line(currency, figure)
        for currency, figure in _most_first(figures).items()
    ]


def _query(status: TicketStatus, days: Days | Age | None = None, **filters: str) -> dict[str, str]:
    first, last = days or (None, None)
    limits = {"from": first, "to": last}
    dates = {name: day.isoformat() for name, day in limits.items() if day is not None}
    return {"status": status.value} | dates | filters


def _in_currency(rows: Sequence[Spending], year: Year) -> list[Spending]:
    return [row for row in rows if row.currency == year.currency]


def _most_first(figures: dict[str, Figure]) -> dict[str, Figure]:
    return dict(sorted(figures.items(), key=lambda item: (-item[1].number, item[0])))


def _name_of_age(number: int) -> str:
    if number == len(AGES):
        return _("Over %(days)s days", days=AGES[-1])
    first = AGES[number - 1] + 1 if number else 0
    return _("%(first)s to %(last)s days", first=first, last=AGES[number])
