"""Spreadsheet files as tables of text."""

from expenses.i18n.languages import gettext
from expenses.tickets.spreadsheets.csv_text import read_records
from expenses.tickets.spreadsheets.encodings import decode
from expenses.tickets.spreadsheets.kinds import is_workbook
from expenses.tickets.spreadsheets.tables import MAX_FILE_SIZE, Table, unreadable
from expenses.tickets.spreadsheets.workbooks import read_workbook


def read_table(content: bytes, *, encoding: str | None = None) -> Table:
    """Raises `InvalidInput` for the field `file` that says what kind of file it is instead."""
    if not content:
        raise unreadable(gettext("Choose a file with tickets in it."))
    if len(content) > MAX_FILE_SIZE:
        raise unreadable(gettext("The file is too large. The limit is %(size)s MB.", size=10))
    if is_workbook(content):
        return read_workbook(content)
    text, guessed = decode(content, encoding)
    return Table(list(read_records(text)), guessed)
