"""Dates as people write them into cells and forms."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal

from babel.dates import get_day_names, get_month_names

from expenses.i18n.languages import gettext
from expenses.i18n.text import excerpt

Order = Literal["day", "month"]
"""What comes first in a date such as 11/02/2026."""

# Whose names of months and days are known, beside Chinese, which counts them.
_LANGUAGES = ("en", "en_GB", "de", "fr", "es", "it", "pt", "nl")
# A year of two digits is one of the last ten, or the next.
_YEARS_BACK, _YEARS_AHEAD = 10, 1

# Longer than any date; looking for one in a long text could take hours.
MAX_LENGTH = 100

_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.)?"
_MONTH = r"(?P<n>[^\W\d]+)\.?"
_YEAR = r"(?P<y>\d{4}|\d\d)"
_NUMBERED = (
    re.compile(r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*[日.]?"),
    re.compile(r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?:\d{4}(?:\d\d)?)?"),
    re.compile(rf"(?P<d>\d{{1,2}})\.\s?(?P<m>\d{{1,2}})\.\s?{_YEAR}"),
)
_NAMED = (
    re.compile(rf"{_DAY}[\s/-]*(?:(?:of|de)\s)?{_MONTH},?[\s/-]*(?:(?:de|del)\s)?{_YEAR}"),
    re.compile(rf"{_MONTH}[\s/-]*{_DAY},?[\s/-]+{_YEAR}"),
    re.compile(rf"(?P<y>\d{{4}})[\s/-]*{_MONTH}[\s/-]*{_DAY}"),
)
_UNCLEAR = re.compile(rf"(?P<a>\d{{1,2}})\s?[-/]\s?(?P<b>\d{{1,2}})\s?[-/]\s?{_YEAR}")
# Days since the end of 1899, as spreadsheet programs store dates: from 1970 to 2099.
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
_SERIAL_START, _SERIALS = date(1899, 12, 30), range(25_569, 73_051)

_TIME = re.compile(
    r"""
    (?: (?<=\d)T | ,?\s+(?:at\s|um\s|à\s)? | (?<=日) | (?<=\)) )
    (?:
        (?:上午|下午|凌晨|早上|中午|晚上)?\s?
        (?: \d\d?:\d\d(?::\d\d(?:[.,]\d+)?)? | \d\d?[时時点點](?:\s?\d\d?分(?:\s?\d\d?秒)?)? )
        (?: \s?(?:[AP]\.?M\.?|Uhr|上午|下午) )?
    |   \d\d?\s?[AP]\.?M\.?
    |   \d\d?\.\d\d\sUhr
    |   \d\d?h(?:\d\d)?
    |   (?<=T)\d{4}(?:\d\d)?
    )
    (?: \s?(?:Z|UTC|GMT)?(?:[+-]\d\d:?\d\d)?(?:\s\([^()]*\))? )?
    $
    """,
    re.VERBOSE | re.IGNORECASE,
)


class UnclearDate(ValueError):
    """A date whose order of day and month is not known, or differs from that of others."""


def read_date(text: str, orders: Collection[Order] = ()) -> str:
    """Write a date in ISO form; `orders` are those that the dates beside it have.

    Raises `UnclearDate`, or `ValueError` with a sentence.
    """
    plain, text = _alone(text), excerpt(text)
    if (found := _SERIAL.fullmatch(plain)) and int(found[1]) in _SERIALS:
        return (_SERIAL_START + timedelta(days=int(found[1]))).isoformat()
    for pattern in _NUMBERED:
        if found := pattern.fullmatch(plain):
            return _date(text, _full_year(text, found["y"]), int(found["m"]), int(found["d"]))
    for pattern in _NAMED:
        if (found := pattern.fullmatch(plain)) and (month := _months().get(found["n"].casefold())):
            return _date(text, _full_year(text, found["y"]), month, int(found["d"]))
    if found := _UNCLEAR.fullmatch(plain):
        return _in_order(text, found, orders)
    raise ValueError(gettext("“%(text)s” is not a date. Write 2026-11-02.", text=text))


def orders_of(texts: Iterable[str]) -> set[Order]:
    """Find the orders of the dates in which one of the numbers can only be a day."""
    found = (_UNCLEAR.fullmatch(_alone(text)) for text in texts)
    clear = [one for one in found if one and _is_clear(one["y"])]
    return {order for one in clear if (order := _certain_order(one))}


def _alone(text: str) -> str:
    """Take away the time and the day of the week beside a date."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if len(plain) > MAX_LENGTH:
        return plain
    plain = _TIME.sub("", plain)
    # Most are numbers alone. The names that all those languages have take 6 MB.
    if any(map(str.isalpha, plain)):
        first, last = _weekdays()
        plain = last.sub("", first.sub("", plain))
    return plain.strip()


def _certain_order(found: re.Match[str]) -> Order | None:
    first, second = int(found["a"]), int(found["b"])
    if first > 12 >= second:
        return "day"
    return "month" if second > 12 >= first else None


def _in_order(text: str, found: re.Match[str], orders: Collection[Order]) -> str:
    year, order = _full_year(text, found["y"]), _certain_order(found)
    if order is None and len(orders) != 1:
        raise UnclearDate(
            gettext(
                "“%(text)s” could mean two dates. Write the year first, as in 2026-11-02.",
                text=text,
            )
        )
    is_day_first = (order or next(iter(orders))) == "day"
    day, month = (found["a"], found["b"]) if is_day_first else (found["b"], found["a"])
    written = _date(text, year, int(month), int(day))
    if order is None or not set(orders) - {order}:
        return written
    if is_day_first:
        sentence = gettext(
            "“%(text)s” has the day first, other rows the month. Write %(date)s.",
            text=text,
            date=written,
        )
    else:
        sentence = gettext(
            "“%(text)s” has the month first, other rows the day. Write %(date)s.",
            text=text,
            date=written,
        )
    raise UnclearDate(sentence)


def _date(text: str, year: int, month: int, day: int) -> str:
    if not 1 <= month <= 12:
        raise ValueError(
            gettext(
                "“%(text)s” is not a date: there is no month %(month)s.", text=text, month=month
            )
        )
    days = monthrange(year, month)[1]
    if not 1 <= day <= days:
        raise ValueError(
            gettext("“%(text)s” is not a date: that month has %(days)s days.", text=text, days=days)
        )
    return date(year, month, day).isoformat()


def _full_year(text: str, year: str) -> int:
    if not _is_clear(year):
        raise ValueError(
            gettext(
                "“%(text)s” could mean several dates. Write the year with four digits.", text=text
            )
        )
    if not int(year):
        raise ValueError(gettext("“%(text)s” is not a date. Write 2026-11-02.", text=text))
    return int(year) if len(year) == 4 else 2000 + int(year)


def _is_clear(year: str) -> bool:
    """Whether it is written in full, or short and recent: 26/11/02 may begin with the year."""
    this_year = datetime.now(UTC).year
    return len(year) == 4 or this_year - _YEARS_BACK <= 2000 + int(year) <= this_year + _YEARS_AHEAD


@cache
def _months() -> dict[str, int]:
    return {
        _bare(name): number
        for language in _LANGUAGES
        for width in ("wide", "abbreviated")
        for number, name in get_month_names(width, locale=language).items()
    }


@cache
def _weekdays() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Match the day of the week in front of a date, and behind it."""
    # In French and Spanish, "mar." is Tuesday as well as March.
    names = sorted(set(_weekday_names()) - set(_months()), key=len, reverse=True)
    listed = "|".join(re.escape(name) for name in names)
    name = rf"(?:(?:{listed})\b\.?|(?:星期|礼拜|周|週)[一二三四五六日天])"
    return (
        re.compile(rf"^{name},?\s*", re.IGNORECASE),
        re.compile(rf",?(?:\s+{name}|(?<=日){name}|\s*\({name}\))$", re.IGNORECASE),
    )


def _weekday_names() -> Iterator[str]:
    for language in _LANGUAGES:
        for width in ("wide", "abbreviated"):
            yield from map(_bare, get_day_names(width, locale=language).values())


def _bare(name: str) -> str:
    return name.casefold().rstrip(".")
