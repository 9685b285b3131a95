"""Spreadsheet files as tables of text: CSV in any usual encoding, and workbooks."""

import csv
import re
import zipfile
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from itertools import islice

from charset_normalizer import from_bytes
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.tickets.imports import MAX_ROWS
from expenses.tickets.spreadsheets.columns import recognized_fields

MAX_FILE_SIZE = 10_000_000
# What a small file may unfold to. A workbook of this many tickets has less than a tenth of it.
MAX_UNPACKED_SIZE = 100_000_000
MAX_COLUMNS = 200
# Rows beside those of tickets: titles, blank ones, totals.
MAX_OTHER_ROWS = 500

UTF8 = "utf_8"
# By what people know them as; the first two are tried where a file is not in UTF-8.
ENCODINGS = {
    "gb18030": "简体中文 (GBK, GB18030)",
    "cp1252": "Western European (Windows-1252)",
    UTF8: "Unicode (UTF-8)",
    "big5": "繁體中文 (Big5)",
    "cp932": "日本語 (Shift JIS)",
    "cp949": "한국어 (EUC-KR)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Кириллица (Windows-1251)",
}

_UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)
# Workbooks are ZIP archives, and were once compound files, as encrypted ones still are.
_ZIP, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*\n', re.IGNORECASE)
# The apostrophe that our own files, and people, put before what would be taken for a formula.
_APOSTROPHE = re.compile(r"""(^|[\t\n\r;])'(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


@dataclass(frozen=True)
class Table:
    """The rows of a file, each with the number that a spreadsheet program shows.

    `encoding` is the one that was guessed; None where the file said it itself.
    """

    rows: Sequence[tuple[int, list[str]]]
    encoding: str | None = None


def read_table(content: bytes, *, encoding: str | None = None) -> Table:
    """Raises `InvalidInput` for the field `file` that says what kind of file it is instead."""
    if not content:
        raise unreadable(gettext("Choose a file with tickets in it."))
    if len(content) > MAX_FILE_SIZE:
        raise unreadable(gettext("The file is too large. The limit is %(size)s MB.", size=10))
    if content.startswith((_ZIP, _COMPOUND)):
        return _read_workbook(content)
    text, guessed = _decode(content, encoding)
    return Table(list(_records(text)), guessed)


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
    if "\0" in text:
        raise unreadable(gettext("This is not a table of text. Use a CSV file or a workbook."))
    return Table(list(_rows(text.replace("\r\n", "\n"), ",")))


def in_other_encoding(text: str, was: str, encoding: str) -> str:
    """Read text again that was read in the wrong encoding.

    Raises `InvalidInput` where it does not fit, and where the person has added other characters.
    """
    try:
        return text.encode(was).decode(encoding)
    except (UnicodeError, LookupError):
        name = ENCODINGS.get(encoding, encoding)
        raise unreadable(gettext("The file is not in the encoding %(name)s.", name=name)) from None


def unreadable(sentence: str) -> InvalidInput:
    return InvalidInput({"file": sentence})


def _decode(content: bytes, encoding: str | None) -> tuple[str, str | None]:
    if encoding is None:
        try:
            return _decoded(content, "utf_16" if content.startswith(_UTF16) else UTF8), None
        except UnicodeDecodeError:
            best = from_bytes(content, cp_isolation=list(ENCODINGS)[:2]).best()
            encoding = best.encoding if best else "cp1252"
    if encoding not in ENCODINGS:
        raise unreadable(gettext("This encoding is not known."))
    try:
        return _decoded(content, encoding), encoding
    except UnicodeDecodeError:
        raise unreadable(
            gettext("The file is not in the encoding %(name)s.", name=ENCODINGS[encoding])
        ) from None


def _decoded(content: bytes, encoding: str) -> str:
    text = content.decode(encoding)
    if "\0" in text:
        raise unreadable(gettext("This is not a table of text. Use a CSV file or a workbook."))
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    if found := _SEPARATOR_LINE.match(text):
        for number, cells in _rows(text[found.end() :], found[1]):
            yield number + 1, cells
        return
    yield from _rows(text, _separator_of(text))


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
            # Other kinds of space may be half of a character, in an encoding that is still to be
            # chosen.
            cells = _without_empty_end(
                [_APOSTROPHE.sub(r"\1", cell.strip(" \t\n")) for cell in record]
            )
            if cells:
                filled += 1
                _ensure_possible(filled, cells)
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


def _read_workbook(content: bytes) -> Table:
    """Read the first sheet that has our columns, else the first that has anything."""
    _ensure_unpacks_small(content)
    try:
        with CalamineWorkbook.from_filelike(BytesIO(content)) as book:
            tables = [list(_sheet_rows(book, name)) for name in book.sheet_names]
    except PasswordError:
        raise unreadable(
            gettext("This workbook is protected by a password. Save a copy without one.")
        ) from None
    except (CalamineError, OSError, ValueError):
        raise unreadable(
            gettext("This file is damaged, or no workbook. Save it again, or save it as CSV.")
        ) from None
    filled = [rows for rows in tables if rows]
    if not filled:
        raise unreadable(gettext("This workbook is empty."))
    return Table(max(filled, key=lambda rows: max(_known_columns(rows), 1)))


def _known_columns(rows: Sequence[tuple[int, list[str]]]) -> int:
    return max(len(recognized_fields(cells)) for _, cells in rows[:10])


def _ensure_unpacks_small(content: bytes) -> None:
    if not content.startswith(_ZIP):
        return
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise unreadable(
            gettext("This file is damaged, or no workbook. Save it again, or save it as CSV.")
        ) from None
    if size > MAX_UNPACKED_SIZE:
        raise unreadable(gettext("This workbook is far too large inside. Save it as CSV."))


def _sheet_rows(book: CalamineWorkbook, name: str) -> Iterator[tuple[int, list[str]]]:
    filled = 0
    for number, row in enumerate(book.get_sheet_by_name(name).iter_rows(), start=1):
        cells = _without_empty_end([_text(cell) for cell in row])
        if cells:
            filled += 1
            _ensure_possible(filled, cells)
            yield number, cells


def _text(cell: object) -> str:
    """Write a workbook's cell as text: a formula's value, a date in ISO form, a plain number."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        return f"{Decimal(repr(cell)):f}".removesuffix(".0")
    return _APOSTROPHE.sub(r"\1", str(cell).replace("\r\n", "\n").strip())


def _without_empty_end(cells: list[str]) -> list[str]:
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _ensure_possible(filled: int, cells: list[str]) -> None:
    if filled > MAX_ROWS + MAX_OTHER_ROWS:
        raise unreadable(
            gettext(
                "The file has too many rows. Use at most %(number)s at once.",
                number=f"{MAX_ROWS:,}",
            )
        )
    if len(cells) > MAX_COLUMNS:
        raise unreadable(gettext("The file has more than %(number)s columns.", number=MAX_COLUMNS))
