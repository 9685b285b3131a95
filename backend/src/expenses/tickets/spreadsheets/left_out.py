"""Rows of a table that are no tickets. Each is named: nothing is left out in silence."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from expenses.i18n.languages import gettext
from expenses.tickets.spreadsheets.columns import Headings, normalized
from expenses.tickets.spreadsheets.totals import find_totals


class LeftOut(NamedTuple):
    """A row that is no ticket, or several blank ones, and the sentence that says so."""

    number: int
    sentence: str
    rows: int = 1


def find_left_out(
    headings: Headings, rows: Sequence[tuple[int, list[str]]], currency: str
) -> Iterator[LeftOut]:
    """Name the rows that are no tickets, in order; `currency` is the company's."""
    for number, _ in rows[: headings.row]:
        sentence = gettext("Row %(number)s is above the headings: left out.", number=number)
        yield LeftOut(number, sentence)
    if headings.missing:
        return
    below = rows[headings.row + 1 :]
    repeated = {number for number, cells in below if _repeats(headings, cells)}
    totals = find_totals(headings, [row for row in below if row[0] not in repeated], currency)
    previous = rows[headings.row][0]
    for number, cells in below:
        if number > previous + 1:
            yield _blank(previous + 1, number - 1)
        previous = number
        if number in repeated:
            sentence = gettext("Row %(number)s repeats the headings: left out.", number=number)
            yield LeftOut(number, sentence)
        elif number in totals:
            yield LeftOut(number, totals[number])
        elif not any(cells):
            yield _blank(number, number)


def _repeats(headings: Headings, cells: Sequence[str]) -> bool:
    return 1 < len(cells) <= len(headings.cells) and all(
        normalized(cell) == normalized(heading)
        for cell, heading in zip(cells, headings.cells, strict=False)
    )


def _blank(first: int, last: int) -> LeftOut:
    if first == last:
        return LeftOut(first, gettext("Row %(number)s is blank: left out.", number=first))
    sentence = gettext("Rows %(first)s to %(last)s are blank: left out.", first=first, last=last)
    return LeftOut(first, sentence, last - first + 1)
