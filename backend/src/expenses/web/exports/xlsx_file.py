"""XLSX, written by XlsxWriter to temporary files, so that memory stays flat at any size."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAME = "Tickets"
# The most that a sheet can hold. XlsxWriter leaves out, silently, what is beyond.
MAX_ROWS = 1_048_576
# Excel's numbers are binary floats, in which this many digits survive.
MAX_DIGITS = 15


class XlsxFile:
    """A workbook written row by row, which continues in a new sheet when one is full."""

    def __init__(self, columns: Sequence[tuple[str, int]]) -> None:
        """`columns` are titles with their widths in characters."""
        from xlsxwriter import Workbook

        self._columns = columns
        self._folder = TemporaryDirectory(prefix="export-")
        self._file: IO[bytes] | None = TemporaryFile()  # noqa: SIM115, closed by the sender
        options = {"constant_memory": True, "tmpdir": self._folder.name, "use_zip64": True}
        self._book = Workbook(self._file, options | {"remove_timezone": True})
        self._bold = self._book.add_format({"bold": True})
        self._amounts = [
            self._book.add_format({"num_format": number})
            for number in ("#,##0", "#,##0.0", "#,##0.00", "#,##0.000")
        ]
        self._date = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._instant = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._begin_sheet()

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        for row in rows:
            if self._row == MAX_ROWS:
                self._begin_sheet()
            for column, cell in enumerate(row):
                self._write(column, cell)
            self._row += 1

    def add_totals(self, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add a last block with titles of its own."""
        self.add([()])
        self._add_titles(titles)
        self.add(rows)

    def finish(self) -> IO[bytes]:
        """Return the whole file, opened at its beginning, for the caller to close."""
        assert self._file is not None
        self._book.close()
        file, self._file = self._file, None
        file.seek(0)
        return file

    def discard(self) -> None:
        """Close and remove the temporary files."""
        if self._file is not None:
            self._file.close()
            for sheet in self._book.worksheets():
                sheet.row_data_fh.close()
        self._folder.cleanup()

    def _begin_sheet(self) -> None:
        number = len(self._book.worksheets()) + 1
        self._sheet = self._book.add_worksheet(NAME if number == 1 else f"{NAME} {number}")
        self._sheet.freeze_panes(1, 0)
        for column, (_, width) in enumerate(self._columns):
            self._sheet.set_column(column, column, width)
        self._row = 0
        self._add_titles([title for title, _ in self._columns])

    def _add_titles(self, titles: Sequence[str]) -> None:
        self._sheet.set_row(self._row, None, self._bold)
        self.add([titles])

    def _write(self, column: int, cell: object) -> None:
        place = self._row, column
        match cell:
            case str():
                self._write_text(column, cell)
            case datetime():
                self._sheet.write_datetime(*place, cell, self._instant)
            case date():
                self._sheet.write_datetime(*place, cell, self._date)
            case int() | Decimal() if len(str(cell).replace(".", "")) > MAX_DIGITS:
                self._sheet.write_string(*place, str(cell))
            case Decimal():
                self._sheet.write_number(
                    *place, cell, self._amounts[-int(cell.as_tuple().exponent)]
                )
            case int():
                self._sheet.write_number(*place, cell)

    def _write_text(self, column: int, text: str) -> None:
        """Write text as text, even where it looks like a formula, a link or markup."""
        if text.startswith("<r>"):
            # `write_string` takes this for the markup of a rich string and does not escape it.
            self._sheet.write_rich_string(self._row, column, text[0], text[1], text[2:])
        else:
            self._sheet.write_string(self._row, column, text)
