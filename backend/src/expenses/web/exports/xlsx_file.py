"""XLSX written from the first byte to the last, without a temporary file.

The libraries for this format keep the sheets on disk until all are complete. A sheet is a zipped
XML file, and the standard library can write a zip file to what cannot seek: so the few parts that
a plain list takes are written here. What lists the sheets comes last, when their number is known.
"""

from collections.abc import Iterable, Sequence
from io import RawIOBase
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from expenses.web.exports import xlsx_parts
from expenses.web.exports.cells import Row
from expenses.web.exports.xlsx_parts import Style, row_part

NAME = "Tickets"
MOST_ROWS = 1_048_576
# Beyond 2 GiB a part needs an extension of the zip format that Excel may not read.
MOST_BYTES = 2_000_000_000
COMPRESSION = 1


class XlsxFile:
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(self, columns: Sequence[tuple[str, int]]) -> None:
        self._columns = columns
        self._ready = _Ready()
        self._archive = _Archive(self._ready, "w", ZIP_DEFLATED, compresslevel=COMPRESSION)
        self._sheets: list[str] = []

    def begin(self) -> bytes:
        self._archive.writestr("_rels/.rels", xlsx_parts.PACKAGE)
        self._archive.writestr("xl/styles.xml", xlsx_parts.STYLES)
        self._begin_sheet()
        return self._ready.take()

    def add(self, rows: Iterable[Row]) -> bytes:
        self._write(row_part(row) for row in rows)
        return self._ready.take()

    def end(self, title: Row, rows: Iterable[Row]) -> bytes:
        self._write([row_part(()), row_part(title, Style.BOLD), *map(row_part, rows)])
        self._end_sheet()
        for path, part in xlsx_parts.contents(self._sheets).items():
            self._archive.writestr(path, part)
        self._archive.close()
        return self._ready.take()

    def _write(self, rows: Iterable[bytes]) -> None:
        """On the open sheet, and where that is full on a new one."""
        room: list[bytes] = []
        for row in rows:
            if self._rows >= MOST_ROWS or self._bytes + len(row) > MOST_BYTES:
                self._sheet.write(b"".join(room))
                self._end_sheet()
                self._begin_sheet()
                room = []
            room.append(row)
            self._rows += 1
            self._bytes += len(row)
        self._sheet.write(b"".join(room))

    def _begin_sheet(self) -> None:
        self._sheets.append(f"{NAME} {len(self._sheets) + 1}" if self._sheets else NAME)
        path = xlsx_parts.path_of_sheet(len(self._sheets))
        self._sheet: IO[bytes] = self._archive.open(path, "w")
        self._sheet.write(xlsx_parts.sheet_head([width for _, width in self._columns]))
        self._rows = self._bytes = 0
        self._write([row_part([title for title, _ in self._columns], Style.BOLD)])

    def _end_sheet(self) -> None:
        self._sheet.write(xlsx_parts.SHEET_FOOT)
        self._sheet.close()


class _Archive(ZipFile):
    def __del__(self) -> None:
        """An export that was broken off stays so: there is nothing to complete or to close."""


class _Ready(RawIOBase):
    """Where the archive writes to: what is ready to be sent, and nothing that has been."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken
