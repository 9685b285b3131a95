"""CSV, whatever separates its cells."""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from itertools import islice

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.tickets.spreadsheets.columns import recognized_fields
from expenses.tickets.spreadsheets.encodings import ensure_text
from expenses.tickets.spreadsheets.tables import (
    MAX_ROW_NUMBER,
    Table,
    cells_of,
    ensure_possible,
    too_many_rows,
    unreadable,
)

_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*\n', re.IGNORECASE)


def read_records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows, separated by what the first line says, or by what fits best."""
    if found := _SEPARATOR_LINE.match(text):
        for number, cells in _rows(text[found.end() :], found[1]):
            yield number + 1, cells
        return
    yield from _rows(text, _separator_of(text))


def text_of(table: Table) -> str:
    """Write a table as CSV that `read_text` reads again with the same row numbers."""
    lines = StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    number = 0
    for next_number, cells in table.rows:
        for _ in range(number + 1, next_number):
            writer.writerow([])
        writer.writerow(cells)
        number = next_number
    return lines.getvalue()


def read_text(text: str) -> Table:
    """Read what `text_of` wrote, after its way through a browser's form."""
    ensure_text(text)
    return Table(list(_rows(text.replace("\r\n", "\n"), ",")))


def _separator_of(text: str) -> str:
    """Choose the separator that finds the most columns that we know, else the most cells."""

    def found_with(separator: str) -> tuple[int, int]:
        try:
            rows = [cells for _, cells in islice(_rows(text, separator), 10)]
        except InvalidInput:
            return 0, 0
        known = max((len(recognized_fields(cells)) for cells in rows), default=0)
        return known, sum(len(cells) > 1 for cells in rows)

    return max(_SEPARATORS, key=found_with)


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    number = filled = 0
    try:
        for number, record in enumerate(reader, start=1):
            if number > MAX_ROW_NUMBER:
                raise too_many_rows()
            if cells := cells_of(record):
                filled += 1
                ensure_possible(filled, cells)
                yield number, cells
    except csv.Error as error:
        raise unreadable(_broken(number + 1, str(error))) from None


def _broken(number: int, error: str) -> str:
    if "limit" in error:
        return gettext("Row %(number)s has a cell that is far too long.", number=number)
    return gettext(
        "Row %(number)s cannot be read: "
        "a quotation mark is in the middle of a cell or is never closed.",
        number=number,
    )
