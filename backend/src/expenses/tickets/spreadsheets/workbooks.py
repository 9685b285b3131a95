"""Workbooks: Excel, old and new, and OpenDocument."""

from expenses.files.worker import DAMAGED, TOO_LARGE, TOO_SLOW, Unreadable, read_apart
from expenses.i18n.languages import gettext
from expenses.tickets.imports import MAX_ROWS
from expenses.tickets.spreadsheets.kinds import damaged, protected, too_large_inside
from expenses.tickets.spreadsheets.tables import (
    MAX_COLUMNS,
    MAX_FILE_SIZE,
    MAX_OTHER_ROWS,
    Table,
    cells_of,
    ensure_possible,
    too_many_columns,
    unreadable,
)

READER = "expenses.tickets.spreadsheets.workbook_process"

_PROBLEMS = {
    "protected": protected,
    DAMAGED: damaged,
    TOO_LARGE: too_large_inside,
    TOO_SLOW: too_large_inside,
    "too wide": too_many_columns,
}


def read_workbook(content: bytes) -> Table:
    """Raises `InvalidInput` for the field `file` that says what is wrong with the workbook."""
    # One row more than may be, so that too many are noticed.
    limits = (MAX_ROWS + MAX_OTHER_ROWS + 1, MAX_COLUMNS, MAX_FILE_SIZE)
    try:
        read = read_apart(READER, content, *map(str, limits))
    except Unreadable as error:
        raise _PROBLEMS[error.problem]() from None
    rows = [(number, cells) for number, row in read if (cells := cells_of(row))]
    for filled, (_, cells) in enumerate(rows, start=1):
        ensure_possible(filled, cells)
    if not rows:
        raise unreadable(gettext("This workbook is empty."))
    return Table(rows)
