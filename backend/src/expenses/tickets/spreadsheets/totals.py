"""Totals between and below tickets, which are no tickets themselves."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from expenses.i18n.amounts import read_amount
from expenses.i18n.languages import gettext
from expenses.i18n.money import currencies
from expenses.tickets.spreadsheets.columns import Headings

_TOTALS = (
    "total totals subtotal subtotals sum sums summe gesamt gesamtsumme gesamtbetrag zwischensumme"
    " endsumme insgesamt somme suma totale subtotale totaal subtotaal soma"
)
_CHINESE_TOTALS = ("合计", "总计", "小计", "共计", "总额", "总和", "累计", "合計", "總計", "小計")
# They make nothing else of a total; nor do the codes of currencies.
_BESIDE_TOTALS = (
    "of the all and in grand sub amount amounts cost costs expense expenses item items ticket"
    " tickets net gross due général general 大写 小写 合计金额 总计金额"
)
_TOTAL_WORDS, _WORDS_BESIDE = frozenset(_TOTALS.split()), frozenset(_BESIDE_TOTALS.split())
_WORD = re.compile(r"[^\W\d_]+")
# Longer than what anybody calls a total.
_MAX_LENGTH = 100


class _Sums:
    """What the tickets come to by currency and altogether: all of them, and since a total."""

    def __init__(self) -> None:
        self.all: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.restart()

    def restart(self) -> None:
        self.since: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.tickets_since = 0

    def add(self, cell: str, currency: str, company_currency: str) -> None:
        self.tickets_since += 1
        if amount := _amount(cell, company_currency):
            for sums in (self.all, self.since):
                for key in {"", amount[1] or currency.upper()}:
                    sums[key] += amount[0]

    def has(self, amount: Decimal) -> bool:
        return amount in self.all.values() or amount in self.since.values()


def find_totals(
    headings: Headings, rows: Sequence[tuple[int, list[str]]], currency: str
) -> dict[int, str]:
    """Name, by number, the rows that are totals and those that belong to a total above them.

    `currency` is the company's.
    """
    last_dated = max((number for number, cells in rows if _has_date(headings, cells)), default=0)
    found: dict[int, str] = {}
    sums, is_below = _Sums(), False
    for number, cells in rows:
        is_end = number > last_dated
        if _is_called_total(headings, cells) or _is_sum(headings, cells, sums, currency, is_end):
            found[number] = gettext("Row %(number)s looks like a total: left out.", number=number)
            is_below = True
            sums.restart()
        elif is_below and _may_stand_below(headings, cells, is_end):
            found[number] = gettext("Row %(number)s is below a total: left out.", number=number)
        else:
            is_below = False
            sums.add(headings.cell("amount", cells), headings.cell("currency", cells), currency)
    return found


def _is_called_total(headings: Headings, cells: Sequence[str]) -> bool:
    """Whether it has the word for it, and not what else a ticket would have."""
    labels = [cell for cell in cells if _is_label(cell)]
    said = _said(headings, cells, labels)
    if not any(_is_only_label(label) for label in labels):
        return bool(labels) and not said
    return not said & {"description", "merchant"} and not said >= {"spent_on", "category"}


def _is_sum(
    headings: Headings, cells: Sequence[str], sums: _Sums, currency: str, is_end: bool
) -> bool:
    """Whether it has numbers only, and the amount is what the tickets above come to."""
    if len(_said(headings, cells)) > 1 or _has_date(headings, cells):
        return False
    if not all(_is_number_or_currency(cell, currency) for cell in cells if cell):
        return False
    amount = _amount(headings.cell("amount", cells), currency)
    if amount is None:
        return is_end and any(cells)
    # Between tickets, the amount of the one above may be that of another one.
    return sums.has(amount[0]) and (is_end or sums.tickets_since > 1)


def _may_stand_below(headings: Headings, cells: Sequence[str], is_end: bool) -> bool:
    """Whether it has no date, and at the end at most the name of what it is a sum of."""
    said = _said(headings, cells) - {"spent_on"}
    return not _has_date(headings, cells) and len(said) <= (1 if is_end else 0)


def _said(headings: Headings, cells: Sequence[str], labels: Sequence[str] = ()) -> set[str]:
    """Return which fields are filled that only tickets have."""
    return {
        field
        for field in ("spent_on", "category", "description", "merchant")
        if (cell := headings.cell(field, cells)) and cell not in labels
    }


def _has_date(headings: Headings, cells: Sequence[str]) -> bool:
    cell = headings.cell("spent_on", cells)
    return any(character.isdigit() for character in cell) and not _is_label(cell)


def _is_label(text: str) -> bool:
    """Whether it begins or ends with the word for a total, as "Total of November"."""
    words = _words(text)
    return bool(words) and any(
        word in _TOTAL_WORDS or word.startswith(_CHINESE_TOTALS) or word.endswith(_CHINESE_TOTALS)
        for word in (words[0], words[-1])
    )


def _is_only_label(text: str) -> bool:
    """Whether it can be nothing else, as "Total EUR"."""
    return all(
        word in _TOTAL_WORDS | _WORDS_BESIDE
        or word.endswith(_CHINESE_TOTALS)
        or word.upper() in currencies()
        for word in _words(text)
    )


def _words(text: str) -> list[str]:
    if len(text) > _MAX_LENGTH:
        return []
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _is_number_or_currency(text: str, currency: str) -> bool:
    return _amount(text, currency) is not None or text.upper() in currencies()


def _amount(text: str, currency: str) -> tuple[Decimal, str] | None:
    try:
        amount, found = read_amount(text, "", currency)
    except ValueError:
        return None
    return Decimal(amount), found
