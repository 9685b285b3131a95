"""Amounts as people type them into forms and spreadsheets. The API takes plain ones only."""

import re
import unicodedata
from functools import cache

from babel.numbers import get_currency_precision, get_currency_symbol

from expenses.i18n.languages import LANGUAGES, gettext
from expenses.i18n.money import currencies
from expenses.i18n.text import excerpt

# Signs that several currencies share where they are used.
_SHARED_SIGNS = {
    "$": {"USD", "AUD", "CAD", "HKD", "MXN", "NZD", "SGD", "TWD", "ARS", "CLP", "COP", "BRL"},
    "¥": {"CNY", "JPY"},
    "元": {"CNY", "TWD", "HKD"},
    "円": {"JPY"},
    "£": {"GBP", "EGP", "LBP"},
    "kr": {"DKK", "NOK", "SEK", "ISK"},
    "fr": {"CHF"},
    "fr.": {"CHF"},
    "rs": {"INR", "PKR", "LKR", "NPR"},
}
# The minus of typesetters, and the apostrophe of Swiss thousands.
_MARKS = str.maketrans({"\u2212": "-", "\u2019": "'"})

# Longer than any amount with its currency; looking for one in a long text could take hours.
MAX_LENGTH = 100

_PLAIN = re.compile(r"(?P<whole>[0-9]*)(?:[.,](?P<fraction>[0-9]*))?")
# Thousands are grouped by one mark, the same in all places, which is not the decimal one. In South
# Asia the groups before the last have two digits.
_GROUPED = re.compile(
    r"(?P<whole>[1-9][0-9]{0,2}(?P<mark>[ '.,])[0-9]{3}(?:(?P=mark)[0-9]{3})*"
    r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})"
    r"(?:(?!(?P=mark))[.,](?P<fraction>[0-9]*))?"
)
_ONE_MARK = re.compile(r"[1-9][0-9]{0,2}(?P<mark>[.,])[0-9]{3}")
_NUMBER = re.compile(r"[-+]?[0-9.,' ]*[0-9.,][-]?")


def read_amount(typed: str, currency: str, default: str = "") -> tuple[str, str]:
    """Read "12,50", "€ 1.200,50" or "1 200 USD" as ("12.50", …), and say which currency it is in.

    `currency` is that of the form or the row, or empty; then `default` decides between those that
    share a sign, where it is one of them. Raises `ValueError` with a sentence for
    what is not an amount, may mean two amounts, or is in another currency than `currency`.
    """
    if len(typed) > MAX_LENGTH:
        raise ValueError(_no_amount(typed))
    text = _in_plain_characters(typed)
    is_negative = text.startswith("(") and text.endswith(")")
    number, sign = _without_sign(text.strip("()").strip() if is_negative else text)
    currency = _agreed(sign, currency, default)
    if is_negative or number.startswith("-") or number.endswith("-"):
        raise ValueError(gettext("A ticket is for money you spent. Use an amount above 0."))
    return _plain(number.removeprefix("+").strip(), currency, typed), currency


def _in_plain_characters(typed: str) -> str:
    """Turn digits, marks and spaces of every script into ASCII; "¹", "½" and "①" are no digits."""
    plain = "".join(
        character if unicodedata.category(character) == "No" else _plain_character(character)
        for character in typed.translate(_MARKS)
    )
    return plain.strip()


def _plain_character(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    return unicodedata.normalize("NFKC", character) if digit is None else str(digit)


def _without_sign(text: str) -> tuple[str, str]:
    """Split an amount into the number and what stands before or behind it."""
    found = _NUMBER.search(text)
    if found is None:
        return text, ""
    before, behind = text[: found.start()].strip(), text[found.end() :].strip()
    number = found[0].strip()
    if before.startswith(("-", "+")):
        before, number = before[1:].strip(), before[0] + number
    sign = before or behind
    has_more_digits = any(unicodedata.category(character).startswith("N") for character in sign)
    return (text, "") if (before and behind) or has_more_digits else (number, sign)


def _agreed(sign: str, currency: str, default: str) -> str:
    """Return the currency that a sign stands for, where it fits the one that was chosen."""
    if not sign:
        return currency
    possible = _meanings(sign)
    if not possible:
        raise ValueError(
            gettext("“%(sign)s” is not a currency. Use a number such as 12.50.", sign=sign)
        )
    if currency in possible:
        return currency
    if currency:
        raise ValueError(
            gettext(
                "“%(sign)s” does not fit the currency %(currency)s.", sign=sign, currency=currency
            )
        )
    if default in possible:
        return default
    if len(possible) > 1:
        raise ValueError(
            gettext(
                "“%(sign)s” could be %(currencies)s. Say which currency it is.",
                sign=sign,
                currencies=gettext(" or ").join(sorted(possible)),
            )
        )
    return next(iter(possible))


def _meanings(sign: str) -> set[str]:
    if sign.upper() in currencies():
        return {sign.upper()}
    return _SHARED_SIGNS.get(sign.lower(), set()) | _symbols().get(sign, set())


@cache
def _symbols() -> dict[str, set[str]]:
    """The signs that the languages of the pages have for each currency."""
    found: dict[str, set[str]] = {}
    for code in currencies():
        for language in LANGUAGES:
            found.setdefault(get_currency_symbol(code, language), set()).add(code)
    return found


def _plain(number: str, currency: str, typed: str) -> str:
    decimals = get_currency_precision(currency) if currency in currencies() else 2
    single = _ONE_MARK.fullmatch(number)
    # Without decimals three digits behind a mark are thousands; with three, "1.234" is plain.
    if single and decimals == 3 and single["mark"] == ".":
        return number
    if single and decimals > 0:
        raise ValueError(
            gettext(
                "“%(typed)s” could mean two amounts. Write 1200 or 1.20, "
                "without separators for thousands.",
                typed=typed.strip(),
            )
        )
    found = _GROUPED.fullmatch(number) or _PLAIN.fullmatch(number)
    if found is None or not any(character.isdecimal() for character in number):
        raise ValueError(_no_amount(typed))
    whole = re.sub(r"[^0-9]", "", found["whole"]) or "0"
    return f"{whole}.{found['fraction']}" if found["fraction"] else whole


def _no_amount(typed: str) -> str:
    return gettext(
        "“%(typed)s” is not an amount. Use a number such as 12.50.", typed=excerpt(typed.strip())
    )
