"""Amounts, dates and times as people read them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, reduce
from operator import add
from typing import Any, Protocol

from babel.dates import (
    format_date,
    format_skeleton,
    format_time,
    format_timedelta,
    get_datetime_format,
)
from babel.lists import format_list
from babel.numbers import (
    format_compact_decimal,
    format_currency,
    format_decimal,
    get_currency_precision,
)

from expenses.i18n.languages import ngettext
from expenses.settings import Settings


class Count(Protocol):
    """A number, and whether counting stopped there."""

    @property
    def number(self) -> int: ...
    @property
    def is_capped(self) -> bool: ...
    def __add__(self, other: Any, /) -> Any: ...


class Formats:
    """The formats of one company: its time zone, and the language of the page."""

    def __init__(self, settings: Settings, locale: str) -> None:
        self._settings = settings
        self._locale = locale

    def money(self, amount: Decimal | str, currency: str) -> str:
        """Write an amount, which the history keeps as text."""
        return _money(Decimal(amount), currency, self._locale)

    def has_decimals(self, currency: str) -> bool:
        return get_currency_precision(currency) > 0

    def day(self, day: date) -> str:
        return _day(day, self._locale)

    def date_of(self, instant: datetime) -> str:
        """Write the day on which something happened, by the company's clock."""
        return _day(instant.astimezone(self._settings.timezone).date(), self._locale)

    def month(self, day: date) -> str:
        return _month(day, self._locale)

    def ago(self, instant: datetime) -> str:
        age = datetime.now(UTC) - instant
        step = next((step for step in _STEPS if age > step), _STEPS[-1])
        return _ago(step * max(round(age / step), 1), self._locale)

    def count(self, count: Count) -> str:
        """Write a number; of one at which counting stopped, "1,000+" where it was 1,234."""
        if not count.is_capped:
            return self.number(count.number)
        unit = 10 ** (len(str(count.number)) - 1)
        return self.number(count.number // unit * unit) + "+"

    def sum(self, counts: Iterable[Count]) -> str:
        return self.count(reduce(add, counts))

    def tickets(self, number: int) -> str:
        return ngettext(
            "%(number)s ticket", "%(number)s tickets", number, number=self.number(number)
        )

    def either(self, names: Sequence[str]) -> str:
        """Write "Dana, Priya or Omar"."""
        return format_list(names, style="or", locale=self._locale)

    def number(self, number: int) -> str:
        return _number(number, self._locale)

    def plain(self, amount: Decimal) -> str:
        return format_decimal(amount, locale=self._locale)

    def size(self, size: int) -> str:
        """Write the size of a file, in bytes, as a person says it: "340 KB", "1.2 MB"."""
        if size < 1_000_000:
            return f"{_number(max(1, round(size / 1000)), self._locale)} KB"
        return f"{format_decimal(round(size / 1_000_000, 1), locale=self._locale)} MB"

    def short(self, amount: Decimal) -> str:
        """Round an amount to what fits above a bar: "1.2K"."""
        return _short(round(amount), self._locale)

    def moment(self, instant: datetime) -> str:
        """Day and time of day; seconds are for machines."""
        return _moment(instant.astimezone(self._settings.timezone), self._locale)


# What an age is rounded to: the largest that is shorter.
_STEPS = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

# Pages are full of the same few, and each takes as long as a row of a table does otherwise.
_remembered = lru_cache(maxsize=1_000)


@_remembered
def _number(number: int, locale: str) -> str:
    return format_decimal(number, locale=locale)


@_remembered
def _short(number: int, locale: str) -> str:
    return format_compact_decimal(number, fraction_digits=1, locale=locale)


@_remembered
def _money(amount: Decimal, currency: str, locale: str) -> str:
    # An amount that a currency could not write is still shown in full: nothing is rounded.
    exact = amount != round(amount, get_currency_precision(currency))
    return format_currency(
        amount,
        currency,
        format="#,##0.00 ¤¤" if exact else None,
        locale=locale,
        currency_digits=not exact,
        format_type="standard",
    )


@_remembered
def _day(day: date, locale: str) -> str:
    return format_date(day, "medium", locale=locale)


@_remembered
def _ago(age: timedelta, locale: str) -> str:
    return format_timedelta(-age, add_direction=True, locale=locale)


@_remembered
def _month(day: date, locale: str) -> str:
    return format_skeleton("yMMMM", day, locale=locale)


@_remembered
def _moment(local: datetime, locale: str) -> str:
    day = format_date(local, "medium", locale=locale)
    time = format_time(local, "short", locale=locale)
    pattern = str(get_datetime_format("medium", locale=locale))
    return pattern.replace("{1}", day).replace("{0}", time)
