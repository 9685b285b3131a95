"""The rows of an imported table as tickets, and the problems of its cells."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.portal.fields import read_fields
from expenses.settings import Settings
from expenses.tickets.imports import MAX_ROWS, ImportRow
from expenses.tickets.schemas import TicketFields
from expenses.tickets.spreadsheets.categories import read_category
from expenses.tickets.spreadsheets.columns import (
    FIELDS,
    Headings,
    find_headings,
)
from expenses.tickets.spreadsheets.dates import Order, UnclearDate, orders_of, read_date
from expenses.tickets.spreadsheets.left_out import LeftOut, find_left_out
from expenses.tickets.spreadsheets.links import split_links
from expenses.tickets.spreadsheets.tables import MAX_COLUMNS, Table, is_formula_error, unreadable


class CellProblem(NamedTuple):
    """A problem of a row, with its field, if it has one, and the text of the cell."""

    number: int
    field: str
    sentence: str
    found: str


class SheetLine(NamedTuple):
    """A row as the check shows it: its ticket, or what is wrong with it by field.

    `cells` are those of known columns: field, column and text.
    """

    number: int
    cells: Sequence[tuple[str, int, str]]
    ticket: TicketFields | None
    problems: Mapping[str, str]


@dataclass(frozen=True)
class Answers:
    """What the person has said about their file.

    `columns` gives the column of each field, `categories` the meaning of unknown ones, `cells` the
    new text of a cell by row number and column, and `unwanted` the rows that are not to be filed.
    """

    columns: Mapping[str, int] | None = None
    order: Order | None = None
    categories: Mapping[str, str] = field(default_factory=dict)
    cells: Mapping[tuple[int, int], str] = field(default_factory=dict)
    unwanted: frozenset[int] = frozenset()


@dataclass
class Sheet:
    """The tickets, problems and questions found in an imported table."""

    headings: Headings
    orders: Collection[Order] = ()
    is_order_unclear: bool = False
    rows: list[ImportRow] = field(default_factory=list)
    problems: list[CellProblem] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unwanted: list[int] = field(default_factory=list)
    unknown_categories: list[str] = field(default_factory=list)

    @property
    def order(self) -> Order | None:
        """What comes first in all of the file's dates, where that is known."""
        return next(iter(self.orders)) if len(self.orders) == 1 else None

    @property
    def number_left_out(self) -> int:
        return sum(row.rows for row in self.left_out) + len(self.unwanted)

    @property
    def is_complete(self) -> bool:
        """Whether every row can be filed."""
        return not (self.problems or self.headings.missing)


def read_sheet(
    table: Table,
    answers: Answers,
    *,
    settings: Settings,
    remembered: Mapping[str, str] | None = None,
) -> Sheet:
    """Raises `InvalidInput` for the field `file` where there are no rows."""
    if not table.rows:
        raise unreadable(gettext("Choose a file with tickets in it."))
    headings = find_headings(table.rows, remembered, answers.columns)
    sheet = Sheet(headings)
    sheet.left_out = list(find_left_out(headings, table.rows, settings.currency))
    if headings.missing:
        return sheet
    left_out = {row.number for row in sheet.left_out}
    rows = [row for row in table.rows[headings.row + 1 :] if row[0] not in left_out]
    sheet.unwanted = [number for number, _ in rows if number in answers.unwanted]
    if not rows:
        raise unreadable(gettext("This file has column names but no tickets."))
    if len(rows) > MAX_ROWS:
        raise unreadable(
            gettext(
                "The file has too many rows. Use at most %(number)s at once.",
                number=f"{MAX_ROWS:,}",
            )
        )
    by_field = [
        (number, _by_field(headings, cells))
        for number, cells in rows
        if number not in answers.unwanted
    ]
    sheet.orders = (
        {answers.order}
        if answers.order
        else orders_of(values["spent_on"] for _, values in by_field)
    )
    for number, values in by_field:
        _read_row(sheet, number, values, answers, settings)
    return sheet


def sheet_lines(table: Table, sheet: Sheet) -> list[SheetLine]:
    """List the rows with problems, then those that can be filed.

    A column that is two fields has one cell, with the problems of both.
    """
    cells_of = dict(table.rows)
    field_of: dict[int, str] = {}
    shown_as = {
        name: field_of.setdefault(column, name) for name, column in sheet.headings.columns.items()
    }
    problems: dict[int, dict[str, str]] = {}
    for problem in sheet.problems:
        name = shown_as.get(problem.field, problem.field)
        problems.setdefault(problem.number, {})[name] = problem.sentence
    tickets: dict[int, TicketFields | None] = {row.number: row.fields for row in sheet.rows}
    return [
        SheetLine(
            number,
            [
                (name, column, cells_of[number][column] if column < len(cells_of[number]) else "")
                for column, name in field_of.items()
            ],
            tickets.get(number),
            problems.get(number, {}),
        )
        for number in (*problems, *tickets)
    ]


def corrected(table: Table, answers: Answers) -> Table:
    """Write into the table's cells what the person has corrected."""
    rows = {number: list(cells) for number, cells in table.rows}
    for (number, column), text in answers.cells.items():
        if number in rows and column < MAX_COLUMNS:
            cells = rows[number]
            cells.extend("" for _ in range(column + 1 - len(cells)))
            cells[column] = text
    return Table([*rows.items()], table.encoding)


def _by_field(headings: Headings, cells: Sequence[str]) -> dict[str, str]:
    values = {name: headings.cell(name, cells) for name in headings.columns}
    values["description"] = values.get("description") or values.get("merchant", "")
    return {name: values.get(name, "") for name in FIELDS}


def _read_row(
    sheet: Sheet, number: int, cells: Mapping[str, str], answers: Answers, settings: Settings
) -> None:
    errors = {
        name: gettext("The formula in this cell has an error: %(text)s.", text=text)
        for name, text in cells.items()
        if is_formula_error(text)
    }
    values: dict[str, Any] = {
        name: text for name, text in cells.items() if text and name not in errors
    }
    if "spent_on" in values:
        try:
            values["spent_on"] = read_date(values["spent_on"], sheet.orders)
        except UnclearDate as error:
            sheet.is_order_unclear = True
            errors["spent_on"] = str(error)
        except ValueError as error:
            errors["spent_on"] = str(error)
    if "category" in values:
        category = answers.categories.get(values["category"]) or read_category(values["category"])
        if category is None:
            errors["category"] = gettext("“%(text)s” is not a category.", text=values["category"])
            if values["category"] not in sheet.unknown_categories:
                sheet.unknown_categories.append(values["category"])
        else:
            values["category"] = str(category)
    if "links" in values:
        values["links"] = split_links(values["links"])
    values["currency"] = values.get("currency", "").upper() or None
    try:
        fields = read_fields(TicketFields, values, settings=settings)
    except InvalidInput as error:
        errors = error.fields | errors
    if errors:
        sheet.problems.extend(_problems(number, errors, cells))
    else:
        sheet.rows.append(ImportRow(number, fields))


def _problems(
    number: int, errors: Mapping[str, str], cells: Mapping[str, str]
) -> Iterator[CellProblem]:
    for place, sentence in errors.items():
        name, _, position = place.partition(".")
        sentence = gettext(sentence)
        if position.isdigit():
            sentence = gettext(
                "Link %(number)s: %(problem)s", number=int(position) + 1, problem=sentence
            )
        yield CellProblem(number, name, sentence, cells.get(name, ""))
