"""Tables of text, which all kinds of spreadsheet files become, and how large they may be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.tickets.imports import MAX_ROWS

MAX_FILE_SIZE = 10_000_000
MAX_COLUMNS = 200
# Rows beside those of tickets: titles, headings, totals.
MAX_OTHER_ROWS = 500
# As in spreadsheet programs; nearly all of them may be blank.
MAX_ROW_NUMBER = 1_048_576

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_SEPARATORS = " \t\n,;|"
# What stands between a line break or a semicolon and the sign that begins a formula.
_BEFORE_FORMULA = re.compile(rf"""(?:;|(?<![\s"';]))[\s"']++(?=[{_SIGNS}])""")
_APOSTROPHE = re.compile(r"([\t\n\r;])'")

# What spreadsheet programs write for a formula that has no value, some in their own language.
_FORMULA_ERROR = re.compile(r"#[A-ZÄÖÜ][A-ZÄÖÜ0-9_/]*[!?]|#N/?[ADV]|Err:\d{3}")


@dataclass(frozen=True)
class Table:
    """The rows of a file that hold something, each with the number that spreadsheet programs show.

    `encoding` is the one that was guessed; None where the file said it itself.
    """

    rows: Sequence[tuple[int, list[str]]]
    encoding: str | None = None


def cells_of(row: Sequence[str]) -> list[str]:
    """Return the cells of a row up to the last that holds something; none of a blank row.

    A row of separators is as blank as one of nothing, whichever separates the others.
    """
    if not any(row):
        return []
    # Other kinds of space may be half of a character, in an encoding that is still to be chosen.
    cells = [_without_apostrophes(cell.strip(" \t\n")) for cell in row]
    while cells and not cells[-1].strip():
        cells.pop()
    return cells if any(cell.strip(_SEPARATORS) for cell in cells) else []


def is_formula_error(text: str) -> bool:
    """Whether it is one such as #REF!"""
    return _FORMULA_ERROR.fullmatch(text) is not None


def ensure_possible(filled: int, cells: Sequence[str]) -> None:
    """Raises `InvalidInput` for more rows or columns than tickets can have."""
    if filled > MAX_ROWS + MAX_OTHER_ROWS:
        raise too_many_rows()
    if len(cells) > MAX_COLUMNS:
        raise too_many_columns()


def too_many_rows() -> InvalidInput:
    return unreadable(
        gettext(
            "The file has too many rows. Use at most %(number)s at once.", number=f"{MAX_ROWS:,}"
        )
    )


def too_many_columns() -> InvalidInput:
    return unreadable(gettext("The file has more than %(number)s columns.", number=MAX_COLUMNS))


def unreadable(sentence: str) -> InvalidInput:
    return InvalidInput({"file": sentence})


def _without_apostrophes(text: str) -> str:
    """Take away what our own files, and people, put before what would be taken for a formula."""
    if "'" not in text:
        return text
    lines = _BEFORE_FORMULA.sub(lambda found: _APOSTROPHE.sub(r"\1", found[0]), f"\n{text}")
    return lines.removeprefix("\n")
