"""Reading a CSV file of tickets, as spreadsheets write it."""

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.portal.fields import TypedFields
from expenses.settings import Settings
from expenses.tickets.imports import MAX_ROWS, ImportRow, ensure_importable
from expenses.tickets.models import Category
from expenses.web.validation import parse

MAX_FILE_SIZE = 5_000_000
MAX_COLUMNS = 50
# The names in the first row, and the fields that they stand for.
COLUMNS = {
    "date": "spent_on",
    "amount": "amount",
    "currency": "currency",
    "category": "category",
    "description": "description",
    "links": "links",
}
NEEDED = ("date", "amount", "category", "description")

SYNONYMS = {"day": "date"}

_SEPARATORS = ",;\t"
_WHOLE_ROW = "row"
_UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)
# Workbooks are ZIP archives, and were once compound files.
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DAY = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})", re.ASCII)
# The apostrophe that our own files, and people, put before what would be taken for a formula.
_APOSTROPHE = re.compile(r"""(^|[\t\n\r;])'(?=[\s"']*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


@dataclass(frozen=True)
class CellProblem:
    """What is wrong in a row, in which column if it is in one, and what stands there."""

    number: int
    column: str
    sentence: str
    found: str


@dataclass(frozen=True)
class Sheet:
    """The rows that were read; `unread` names columns that mean nothing here."""

    rows: list[ImportRow]
    problems: list[CellProblem]
    unread: list[str]


def decode(content: bytes) -> str:
    """Raises `InvalidInput` for anything but UTF-8 text: guessing an encoding spoils names."""
    if not content:
        raise _unreadable(gettext("Choose a file with tickets in it."))
    if content.startswith(_WORKBOOKS):
        raise _unreadable(
            gettext(
                "This is a workbook. Save it as “CSV UTF-8” in your spreadsheet program "
                "and choose that file."
            )
        )
    try:
        text = content.decode("utf-16" if content.startswith(_UTF16) else "utf-8")
    except UnicodeDecodeError:
        raise _unreadable(
            gettext(
                "This file is not in UTF-8. Save it with that encoding; "
                "Excel calls the file type “CSV UTF-8”."
            )
        ) from None
    # As a form sends it back.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if len(text.encode()) + text.count("\n") > MAX_FILE_SIZE:
        raise _unreadable(gettext("The file is too large. The limit is %(size)s MB.", size=5))
    return text


def read_sheet(text: str, *, settings: Settings) -> Sheet:
    """Raises `InvalidInput` for the field `file` where there are no usable rows."""
    if "\0" in text:
        raise _unreadable(gettext("This is not a text file. Use a CSV file, in UTF-8."))
    records = _records(text.replace("\r\n", "\n"))
    titles = next(records, (0, []))[1]
    names = _names(titles)
    sheet = Sheet([], [], [title for title in titles if _column(title) not in {"", *COLUMNS}])
    seen = 0
    for number, cells in records:
        seen += 1
        if seen > MAX_ROWS:
            raise _unreadable(
                gettext(
                    "The file has too many rows. Use at most %(number)s at once.",
                    number=f"{MAX_ROWS:,}",
                )
            )
        _read_row(sheet, number, names, cells, settings)
    if not seen:
        raise _unreadable(gettext("This file has column names but no tickets."))
    return sheet


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, numbered as a spreadsheet numbers them."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=_separator_of(text), strict=True)
    number = 0
    try:
        for number, record in enumerate(reader, start=1):
            # A file can hold millions of cells; more than these are refused anyway.
            cells = [cell.strip() for cell in record[: MAX_COLUMNS + 1]]
            if any(cells):
                yield number, [_APOSTROPHE.sub(r"\1", cell) for cell in cells]
    except csv.Error as error:
        raise _unreadable(_broken(number + 1, str(error))) from None


def _separator_of(text: str) -> str:
    """Choose the separator that finds the most column names in the first row."""
    first = text.lstrip().partition("\n")[0]
    names = {
        separator: {_column(name.strip(' "')) for name in first.split(separator, MAX_COLUMNS)}
        for separator in _SEPARATORS
    }
    return max(_SEPARATORS, key=lambda separator: len(names[separator] & COLUMNS.keys()))


def _column(title: str) -> str:
    return SYNONYMS.get(title.lower(), title.lower())


def _broken(number: int, error: str) -> str:
    if "limit" in error:
        return gettext("Row %(number)s has a cell that is far too long.", number=number)
    return gettext(
        "Row %(number)s cannot be read: "
        "a quotation mark is in the middle of a cell or is never closed.",
        number=number,
    )


def _names(cells: Sequence[str]) -> list[str]:
    names = [_column(cell) for cell in cells]
    if len(names) > MAX_COLUMNS:
        raise _unreadable(gettext("The file has more than %(number)s columns.", number=MAX_COLUMNS))
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise _unreadable(
            gettext(
                "The first row must name the columns. Missing: %(names)s.",
                names=", ".join(missing),
            )
        )
    twice = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
    if twice:
        raise _unreadable(gettext("These columns appear twice: %(names)s.", names=", ".join(twice)))
    return names


def _read_row(
    sheet: Sheet, number: int, names: list[str], cells: list[str], settings: Settings
) -> None:
    by_name = dict(zip(names, cells, strict=False))
    try:
        _ensure_fits(cells, names)
        values = {
            field: _MEANINGS.get(name, str)(by_name[name])
            for name, field in COLUMNS.items()
            if by_name.get(name)
        }
        fields = parse(TypedFields, values)
        ensure_importable(fields, settings=settings)
    except InvalidInput as error:
        sheet.problems.extend(_problems(number, error, by_name))
    else:
        sheet.rows.append(ImportRow(number, fields))


def _ensure_fits(cells: list[str], names: list[str]) -> None:
    if any(cells[len(names) :]):
        raise InvalidInput(
            {
                _WHOLE_ROW: gettext(
                    "This row has more cells than there are columns. "
                    "Put text that contains separators in quotation marks."
                )
            }
        )


def _problems(number: int, error: InvalidInput, cells: dict[str, str]) -> Iterator[CellProblem]:
    column_of = {_WHOLE_ROW: ""} | {field: name for name, field in COLUMNS.items()}
    for place, sentence in error.fields.items():
        field, _, position = place.partition(".")
        sentence = gettext(sentence)
        if position.isdigit():
            sentence = gettext(
                "Link %(number)s: %(problem)s", number=int(position) + 1, problem=sentence
            )
        name = column_of[field]
        yield CellProblem(number, name, sentence, cells.get(name, ""))


def _day(cell: str) -> str:
    """Accept dates as Excel writes them with the year first; other orders are ambiguous."""
    found = _DAY.fullmatch(cell)
    return f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}" if found else cell


def _category(cell: str) -> str:
    """Accept categories in English or in the language of the page."""
    for category in Category:
        if cell.lower() in (category.value, gettext(category.value.capitalize()).lower()):
            return category.value
    return cell


_MEANINGS: dict[str, Callable[[str], str | list[str]]] = {
    "date": _day,
    "currency": str.upper,
    "category": _category,
    "links": str.split,
}


def _unreadable(sentence: str) -> InvalidInput:
    return InvalidInput({"file": sentence})
