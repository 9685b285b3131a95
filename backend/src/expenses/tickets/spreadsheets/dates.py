"""Dates as people write them into cells and forms."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

from babel.dates import get_month_names

from expenses.i18n.languages import gettext

Order = Literal["day", "month"]
"""What comes first in a date such as 11/02/2026."""

_YEAR_FIRST = re.compile(
    r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*日?"
)
_COMPACT = re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)")
_DAY_FIRST = re.compile(r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.\s?(?P<y>\d{4}|\d\d)")
_UNCLEAR = re.compile(r"(?P<a>\d{1,2})[-/](?P<b>\d{1,2})[-/](?P<y>\d{4}|\d\d)")
_NAMED = (
    re.compile(
        r"(?P<d>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?P<n>[^\W\d]+)\.?,?[\s-]+(?P<y>\d{4}|\d\d)"
    ),
    re.compile(r"(?P<n>[^\W\d]+)\.?[\s-]+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?[\s-]+(?P<y>\d{4}|\d\d)"),
)
_TIME = re.compile(r"[T ]\d{1,2}:\d\d(:\d\d)?(\.\d+)?( ?[AP]M)?(Z|[+-]\d\d:?\d\d)?$", re.IGNORECASE)
# Days since the end of 1899, as spreadsheet programs store dates: from 1970 to 2099.
_SERIAL = re.compile(r"\d{5}(\.0+)?")
_SERIAL_START, _SERIALS = date(1899, 12, 30), range(25_569, 73_051)


class UnclearDate(ValueError):
    """A date whose order of day and month is not known."""


def read_date(text: str, order: Order | None = None) -> str:
    """Write a date in ISO form. Raises `UnclearDate`, or `ValueError` with a sentence."""
    plain = _TIME.sub("", unicodedata.normalize("NFKC", text).strip())
    if _SERIAL.fullmatch(plain) and int(float(plain)) in _SERIALS:
        return (_SERIAL_START + timedelta(days=int(float(plain)))).isoformat()
    for pattern in (_YEAR_FIRST, _COMPACT, _DAY_FIRST):
        if found := pattern.fullmatch(plain):
            return _date(text, found["y"], int(found["m"]), int(found["d"]))
    for pattern in _NAMED:
        if (found := pattern.fullmatch(plain)) and (month := _month(found["n"])):
            return _date(text, found["y"], month, int(found["d"]))
    if found := _UNCLEAR.fullmatch(plain):
        first, second = int(found["a"]), int(found["b"])
        order = order_of(plain) or order
        if order is None:
            raise UnclearDate(
                gettext("“%(text)s” could mean two dates. Write 2026-11-02.", text=text)
            )
        day, month = (first, second) if order == "day" else (second, first)
        return _date(text, found["y"], month, day)
    raise ValueError(gettext("“%(text)s” is no date. Write 2026-11-02.", text=text))


def order_of(text: str) -> Order | None:
    """Tell the order of a date in which one of the numbers can only be a day."""
    found = _UNCLEAR.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if found is None:
        return None
    first, second = int(found["a"]), int(found["b"])
    if first > 12 >= second:
        return "day"
    return "month" if second > 12 >= first else None


def common_order(texts: Iterable[str]) -> Order | None:
    """Find the order that a file's dates have, where any of them settles it."""
    orders = {order for text in texts if (order := order_of(text))}
    return orders.pop() if len(orders) == 1 else None


def _date(text: str, year: str, month: int, day: int) -> str:
    full_year = int(year) if len(year) == 4 else 2000 + int(year)
    if not 1 <= month <= 12:
        raise ValueError(
            gettext("“%(text)s” is no date: there is no month %(month)s.", text=text, month=month)
        )
    days = monthrange(full_year, month)[1] if full_year else 31
    if not 1 <= day <= days:
        raise ValueError(
            gettext("“%(text)s” is no date: that month has %(days)s days.", text=text, days=days)
        )
    return date(full_year, month, day).isoformat()


def _month(name: str) -> int | None:
    wanted = name.casefold()
    for language in ("en", "de", "fr", "es"):
        for width in ("abbreviated", "wide"):
            for number, month in get_month_names(width, locale=language).items():
                if str(month).casefold().rstrip(".") == wanted:
                    return int(number)
    return None
