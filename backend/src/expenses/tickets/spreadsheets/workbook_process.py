"""Reads a workbook, in a process of its own.

A kilobyte can claim a sheet of 17 billion cells. The reader asks for memory for all of them, and
ends the whole process when it gets none.
"""

import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import islice

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetVisibleEnum,
)

from expenses.files.worker import DAMAGED, TOO_LARGE, Unreadable, answer
from expenses.tickets.spreadsheets.columns import MAX_ROWS_ABOVE, find_headings

Row = tuple[int, list[str]]

_SHEET = re.compile(r"xl/worksheets/.*\.xml|content\.xml")
# Cells with errors such as #REF! would be read as empty. In the XML, their type is made text.
_ERROR_CELLS = (
    (re.compile(rb'(<(?:\w+:)?c\s[^<>]*?\bt=")e(?=")'), rb"\1str"),
    (re.compile(rb'office:string-value=""(?=[^<>]*"error")'), b""),
)


def read(content: bytes) -> list[Row]:
    """Return the rows. The arguments are the largest numbers of rows, columns and characters."""
    most_rows, most_columns, most_text = map(int, sys.argv[1:])
    try:
        with CalamineWorkbook.from_filelike(BytesIO(_with_errors_as_text(content))) as book:
            rows = _rows(book, most_rows)
    except PasswordError:
        raise Unreadable("protected") from None
    except (CalamineError, OSError, ValueError):
        raise Unreadable(DAMAGED) from None
    if any(len(cells) > most_columns for _, cells in rows):
        raise Unreadable("too wide")
    if sum(len(cell) for _, cells in rows for cell in cells) > most_text:
        raise Unreadable(TOO_LARGE)
    return rows


def _with_errors_as_text(content: bytes) -> bytes:
    if not zipfile.is_zipfile(BytesIO(content)):
        return content
    with zipfile.ZipFile(BytesIO(content)) as source:
        sheets = {name: source.read(name) for name in source.namelist() if _SHEET.match(name)}
        changed = {name: _with_text_cells(sheet) for name, sheet in sheets.items()}
        if changed == sheets:
            return content
        copy = BytesIO()
        with zipfile.ZipFile(copy, "w") as target:
            for name in source.namelist():
                target.writestr(name, changed.get(name) or source.read(name))
    return copy.getvalue()


def _with_text_cells(sheet: bytes) -> bytes:
    for pattern, replacement in _ERROR_CELLS:
        sheet = pattern.sub(replacement, sheet)
    return sheet


def _rows(book: CalamineWorkbook, most: int) -> list[Row]:
    """Read the first sheet with all of our columns, else the one with most of them."""
    visible_first = sorted(
        book.sheets_metadata, key=lambda sheet: sheet.visible is not SheetVisibleEnum.Visible
    )
    best: list[Row] = []
    most_known = -1
    for metadata in visible_first:
        rows = _filled(book.get_sheet_by_name(metadata.name))
        if not (top := list(islice(rows, MAX_ROWS_ABOVE))):
            continue
        headings = find_headings(top)
        if len(headings.columns) > most_known or not headings.missing:
            best, most_known = top + list(islice(rows, most - len(top))), len(headings.columns)
        if not headings.missing:
            break
    return best


def _filled(sheet: CalamineSheet) -> Iterator[Row]:
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = [_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _text(cell: object) -> str:
    """Write a cell as text: a formula's value, a date in ISO form, a number as it is shown."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        # Spreadsheet programs show 15 digits, so that 0.1 + 0.2 is 0.3.
        return f"{Decimal(f'{cell:.15g}'):f}"
    return str(cell)


if __name__ == "__main__":
    answer(read)
