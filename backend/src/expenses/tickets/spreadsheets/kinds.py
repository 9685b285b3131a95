"""What kind of file it is, by its bytes: its name may say anything."""

import zipfile
import zlib
from io import BytesIO
from lzma import LZMAError
from typing import NoReturn

from expenses.errors import InvalidInput
from expenses.files.kinds import (
    ARCHIVE,
    COMPOUND,
    JSON,
    PARTS,
    SPREADSHEET,
    STREAMS,
    WEB_PAGE,
    XML,
    ZIP,
    has_stream,
    kind_by_start,
)
from expenses.i18n.languages import gettext
from expenses.i18n.text import N_
from expenses.tickets.spreadsheets.tables import unreadable

# What a workbook may unfold to. One of thousands of tickets has less than a tenth of it.
MAX_UNPACKED_SIZE = 100_000_000

_OTHER = N_("This is %(kind)s, not a spreadsheet. Choose a workbook (.xlsx, .ods) or a CSV file.")
_DATA = N_("This is %(kind)s. Open it in a spreadsheet program, and save it as .xlsx or CSV.")
_ARCHIVE = N_("This is an archive. Unpack it, and choose the spreadsheet that is inside.")
_APPLE = N_("This is a file of Numbers, Pages or Keynote. In Numbers, export it to Excel or CSV.")

_SENTENCES = {ARCHIVE: _ARCHIVE, WEB_PAGE: _DATA, XML: _DATA, JSON: _DATA}
_DAMAGED = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, RuntimeError, ValueError)
_MANIFEST = "META-INF/manifest.xml"


def is_workbook(content: bytes) -> bool:
    """Tell workbooks from text. Raises `InvalidInput` that says what else it is."""
    if content.startswith(ZIP):
        _ensure_archive_of_workbook(content)
        return True
    if content.startswith(COMPOUND):
        _ensure_streams_of_workbook(content)
        return True
    if kind := kind_by_start(content):
        _refuse(_SENTENCES.get(kind, _OTHER), kind)
    return False


def damaged() -> InvalidInput:
    return unreadable(
        gettext("This file is damaged or not a workbook. Save it again, or save it as CSV.")
    )


def protected() -> InvalidInput:
    return unreadable(gettext("This workbook is protected by a password. Save a copy without one."))


def too_large_inside() -> InvalidInput:
    return unreadable(gettext("This workbook is far too large inside. Save it as CSV."))


def _ensure_streams_of_workbook(content: bytes) -> None:
    if has_stream(content, "EncryptedPackage"):
        raise protected()
    kind = next((kind for name, kind in STREAMS if has_stream(content, name)), SPREADSHEET)
    if kind != SPREADSHEET:
        _refuse(_OTHER, kind)


def _ensure_archive_of_workbook(content: bytes) -> None:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNPACKED_SIZE:
                raise too_large_inside()
            names = archive.namelist()
            media_type = archive.read("mimetype").decode() if "mimetype" in names else ""
            manifest = archive.read(_MANIFEST) if _MANIFEST in names else b""
    except _DAMAGED:
        raise damaged() from None
    if b"encryption-data" in manifest:
        raise protected()
    for part, kind in PARTS:
        if part in media_type or any(name.startswith(part) for name in names):
            if kind == SPREADSHEET:
                return
            _refuse(_OTHER, kind)
    _refuse(_APPLE if any(name.endswith(".iwa") for name in names) else _ARCHIVE)


def _refuse(sentence: str, kind: str = "") -> NoReturn:
    raise unreadable(gettext(sentence, kind=gettext(kind) if kind else ""))
