"""Amounts, days and instants as people read them."""

from datetime import date, datetime
from decimal import Decimal

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, get_currency_precision

from expenses.settings import Settings


class Formats:
    """The formats of one company: its time zone, and the language of the page."""

    def __init__(self, settings: Settings, locale: str = "en") -> None:
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

    def moment(self, instant: datetime) -> str:
        return format_datetime(instant, "medium", tzinfo=self._settings.zone, locale=self._locale)
