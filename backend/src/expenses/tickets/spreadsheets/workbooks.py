"""Workbooks: Excel, old and new, and OpenDocument."""

import json
import subprocess
import sys
from threading import BoundedSemaphore

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
MAX_SECONDS = 60
# Each may take as much memory as `workbook_process` allows itself.
_turns = BoundedSemaphore(2)

_PROBLEMS = {
    "protected": protected,
    "damaged": damaged,
    "too large": too_large_inside,
    "too wide": too_many_columns,
}


def read_workbook(content: bytes) -> Table:
    """Raises `InvalidInput` for the field `file` that says what is wrong with the workbook."""
    # One row more than may be, so that too many are noticed.
    limits = (MAX_ROWS + MAX_OTHER_ROWS + 1, MAX_COLUMNS, MAX_FILE_SIZE)
    command = [sys.executable, "-m", READER, *map(str, limits)]
    try:
        with _turns:
            ended = subprocess.run(
                command, input=content, capture_output=True, timeout=MAX_SECONDS, check=False
            )
    except subprocess.TimeoutExpired:
        raise too_large_inside() from None
    if ended.returncode:
        # A signal ends it where it runs out of memory or time.
        raise too_large_inside() if ended.returncode < 0 else damaged()
    answer = json.loads(ended.stdout)
    if "problem" in answer:
        raise _PROBLEMS[answer["problem"]]()
    rows = [(number, cells) for number, row in answer["rows"] if (cells := cells_of(row))]
    for filled, (_, cells) in enumerate(rows, start=1):
        ensure_possible(filled, cells)
    if not rows:
        raise unreadable(gettext("This workbook is empty."))
    return Table(rows)
