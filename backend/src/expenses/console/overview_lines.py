"""The lines of the overview's charts and tables, each with the list of the tickets it counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from urllib.parse import urlencode

from babel.dates import format_skeleton
from babel.numbers import format_percent

from expenses.console.queue import LIST
from expenses.i18n.formats import Formats
from expenses.i18n.languages import current_language
from expenses.i18n.languages import gettext as _
from expenses.payments.totals import DueToEmployee
from expenses.tickets.models import Category, TicketStatus
from expenses.tickets.overview import (
    AGES,
    Age,
    Alike,
    Days,
    Figure,
    Pending,
    TopSpending,
    ages,
    by,
)

NOTHING = Figure(0, Decimal(0))


@dataclass(frozen=True)
class Line:
    """A row of a table and a bar of a chart: tickets that belong together.

    `address` is that of the list of exactly these, `addresses` those of the lists of each currency;
    None and empty where no list has them. `short` is the label where there is little room.
    """

    label: str
    figures: dict[str, Figure]
    address: str | None = None
    addresses: dict[str, str] = field(default_factory=dict)
    short: str = ""

    @cached_property
    def number(self) -> int:
        return sum(figure.number for figure in self.figures.values())

    @cached_property
    def amount(self) -> Decimal:
        """The sum of a line that has one currency."""
        return next(iter(self.figures.values())).amount


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
        days, currency = days or self.days, self.currency
        address = f"{_address(TicketStatus.APPROVED, days, **filters)}&currency={currency}"
        return Line(label, {currency: figure}, address, {currency: address}, short)


def name_of_month(month: Days, form: str = "yMMMM") -> str:
    return _name_of_month(month.first, form, current_language())


# A page has the same twelve many times.
@lru_cache
def _name_of_month(first: date, form: str, language: str) -> str:
    return str(format_skeleton(form, first, locale=language))


def waiting(rows: Sequence[Pending]) -> Line:
    return _pending("", rows)


def oldest(rows: Sequence[Pending]) -> tuple[date, str] | None:
    """Return the earliest date spent and the list of that date's tickets; None without tickets."""
    if not rows:
        return None
    day = rows[0].oldest
    return day, _address(TicketStatus.PENDING, Days(day, day))


def alike(rows: Sequence[Alike]) -> list[tuple[Alike, str]]:
    """Pair what may have been filed twice with the list of exactly these tickets."""
    return [
        (
            row,
            _address(
                TicketStatus.PENDING,
                Days(row.spent_on, row.spent_on),
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
    due = _address(TicketStatus.APPROVED, payment="due")
    return [(row, f"{due}&employee={row.owner_id}&currency={row.currency}") for row in rows]


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
            short=name_of_month(month, "MMM"),
        )
        for month in year.months
    ]


def age_lines(rows: Sequence[Pending], today: date) -> list[Line]:
    return [
        _pending(_name_of_age(number), [row for row in rows if row.age == age], age)
        for number, age in enumerate(ages(today))
    ]


def comparison_lines(found: Sequence[Figure], spans: Sequence[Days], year: Year) -> list[Line]:
    return [
        year.line(name_of_month(span, "yMMM"), figure, span)
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
    change = round(now.amount / then.amount - 1, 2)
    return _percent(change, current_language())


@lru_cache
def _percent(change: Decimal, language: str) -> str:
    return format_percent(change, "+#,##0%;-#,##0%", locale=language)


def total(currencies: Sequence[Line], year: Year) -> Line:
    """Find the year's currency among the lines of all currencies."""
    found = (line for line in currencies if line.label == year.currency)
    return next(found, year.line(year.currency, NOTHING))


def month_lines(figures: Mapping[date, Figure], year: Year) -> list[Line]:
    """List every month, also those without spending."""
    return [
        year.line(
            name_of_month(month),
            figures.get(month.first, NOTHING),
            month,
            short=name_of_month(month, "MMM"),
        )
        for month in year.months
    ]


def category_lines(figures: Mapping[Category, Figure], year: Year) -> list[Line]:
    """List the categories, the most expensive first."""
    return [
        year.line(_(category.capitalize()), figure, category=category.value)
        for category, figure in sorted(figures.items(), key=lambda item: -item[1].amount)
    ]


def employee_lines(employees: TopSpending, year: Year, formats: Formats) -> list[Line]:
    lines = [year.line(name, figure, employee=email) for name, email, figure in employees.top]
    if employees.number_of_others.number:
        label = _("%(number)s others", number=formats.count(employees.number_of_others))
        lines.append(Line(label, {year.currency: employees.others}))
    return lines


def currency_lines(figures: Mapping[str, Figure], year: Year) -> list[Line]:
    """List the currencies, the most used first."""
    return [
        Year(year.months, currency).line(currency, figure)
        for currency, figure in _most_first(figures).items()
    ]


def _pending(label: str, rows: Iterable[Pending], age: Age | None = None) -> Line:
    figures = _most_first(by(rows, lambda row: row.currency))
    address = _address(TicketStatus.PENDING, age)
    return Line(
        label,
        figures,
        address,
        {currency: f"{address}&currency={currency}" for currency in figures},
    )


def _address(status: TicketStatus, days: Days | Age | None = None, **filters: str) -> str:
    first, last = days or (None, None)
    limits = (f"&from={first}" if first else "") + (f"&to={last}" if last else "")
    others = f"&{urlencode(filters)}" if filters else ""
    return f"{LIST}?status={status}{limits}{others}"


def _most_first(figures: Mapping[str, Figure]) -> dict[str, Figure]:
    return dict(sorted(figures.items(), key=lambda item: (-item[1].number, item[0])))


def _name_of_age(number: int) -> str:
    if number == len(AGES):
        return _("Over %(days)s days", days=AGES[-1])
    first = AGES[number - 1] + 1 if number else 0
    return _("%(first)s to %(last)s days", first=first, last=AGES[number])
