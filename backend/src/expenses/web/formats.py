"""Amounts, days and instants as people read them."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from babel.dates import format_date, format_time, format_timedelta, get_datetime_format
from babel.numbers import format_currency, format_decimal, get_currency_precision

from expenses.settings import Settings
from expenses.tickets.queries import MOST_COUNTED, Count
from expenses.web.languages import ngettext


class Formats:
    """The formats of one company: its time zone, and the language of the page."""

    def __init__(self, settings: Settings, locale: str) -> None:
        self._settings = settings
        self._locale = locale

    def money(self, amount: Decimal, currency: str) -> str:
        # An amount that a currency could not write is still shown in full: nothing is rounded.
        exact = amount != round(amount, get_currency_precision(currency))
        return format_currency(
            amount,
            currency,
            format="#,##0.00 ¤¤" if exact else None,
            locale=self._locale,
            currency_digits=not exact,
            format_type="standard",
        )

    def day(self, day: date) -> str:
        return format_date(day, "medium", locale=self._locale)

    def ago(self, instant: datetime) -> str:
        return format_timedelta(
            instant - datetime.now(UTC), add_direction=True, locale=self._locale
        )

    def count(self, count: Count) -> str:
        if count.is_capped:
            return f"{self.number(MOST_COUNTED)}+"
        return self.number(count.number)

    def sum(self, counts: Iterable[Count]) -> str:
        return self.count(Count(sum(count.number for count in counts)))

    def tickets(self, number: int) -> str:
        return ngettext(
            "%(number)s ticket", "%(number)s tickets", number, number=self.number(number)
        )

    @property
    def most_counted(self) -> str:
        return self.number(MOST_COUNTED)

    def number(self, number: int) -> str:
        return format_decimal(number, locale=self._locale)

    def moment(self, instant: datetime) -> str:
        """Day and time of day; seconds are for machines."""
        local = instant.astimezone(self._settings.zone)
        day = format_date(local, "medium", locale=self._locale)
        time = format_time(local, "short", locale=self._locale)
        pattern = str(get_datetime_format("medium", locale=self._locale))
        return pattern.replace("{1}", day).replace("{0}", time)
