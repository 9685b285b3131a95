"""What kind of file it is, by its bytes: its name may say anything."""

import re
import zipfile
import zlib
from io import BytesIO
from lzma import LZMAError
from typing import NoReturn

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.i18n.text import N_
from expenses.tickets.spreadsheets.tables import unreadable

# What a workbook may unfold to. One of thousands of tickets has less than a tenth of it.
MAX_UNPACKED_SIZE = 100_000_000

_ZIP, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

_OTHER = N_("This is %(kind)s, not a spreadsheet. Choose a workbook (.xlsx, .ods) or a CSV file.")
_DATA = N_("This is %(kind)s. Open it in a spreadsheet program, and save it as .xlsx or CSV.")
_ARCHIVE = N_("This is an archive. Unpack it, and choose the spreadsheet that is inside.")
_APPLE = N_("This is a file of Numbers, Pages or Keynote. In Numbers, export it to Excel or CSV.")

_TEXT, _SLIDES = N_("a text document"), N_("a presentation")
_BLANK = rb"(?:\xef\xbb\xbf)?\s*"
_STARTS = (
    (rb"%PDF-", _OTHER, N_("a PDF document")),
    (rb"\{\\rtf", _OTHER, _TEXT),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\0|MM\0\*|RIFF....WEBP", _OTHER, N_("a picture")),
    (rb"....ftyp", _OTHER, N_("a photo or a video")),
    (rb"MZ.{,60}\0|\x7fELF|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe", _OTHER, N_("a program")),
    (rb"PK\x05\x06|\x1f\x8b|7z\xbc\xaf|Rar!|\xfd7zXZ\0|BZh\d1AY|\x28\xb5\x2f\xfd", _ARCHIVE, ""),
    (_BLANK + rb"<(?i:!doctype html|html|head|body|table|meta)\b", _DATA, N_("a web page")),
    (_BLANK + rb"<\?xml\b", _DATA, N_("an XML file")),
    (_BLANK + rb'(?:\[\s*)?\{\s*"', _DATA, N_("a JSON file")),
)
# Parts of compound files, which have names in UTF-16.
_STREAMS = (("WordDocument", _TEXT), ("PowerPoint Document", _SLIDES))
# Folders of an archive, or the media type that it says it has.
_PARTS = (
    ("word/", _TEXT),
    ("ppt/", _SLIDES),
    ("opendocument.text", _TEXT),
    ("opendocument.presentation", _SLIDES),
)
_SPREADSHEET = "opendocument.spreadsheet"
_DAMAGED = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, RuntimeError, ValueError)
_MANIFEST = "META-INF/manifest.xml"


def is_workbook(content: bytes) -> bool:
    """Tell workbooks from text. Raises `InvalidInput` that says what else it is."""
    if content.startswith(_ZIP):
        _ensure_archive_of_workbook(content)
        return True
    if content.startswith(_COMPOUND):
        _ensure_streams_of_workbook(content)
        return True
    for start, sentence, kind in _STARTS:
        if re.match(start, content[:1000], re.DOTALL):
            _refuse(sentence, kind)
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
    def has(name: str) -> bool:
        return name.encode("utf-16-le") in content

    if has("EncryptedPackage"):
        raise protected()
    for name, kind in _STREAMS:
        if has(name) and not has("Workbook"):
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
    if any(name.startswith("xl/") for name in names) or _SPREADSHEET in media_type:
        return
    for part, kind in _PARTS:
        if part in media_type or any(name.startswith(part) for name in names):
            _refuse(_OTHER, kind)
    _refuse(_APPLE if any(name.endswith(".iwa") for name in names) else _ARCHIVE)


def _refuse(sentence: str, kind: str = "") -> NoReturn:
    raise unreadable(gettext(sentence, kind=gettext(kind) if kind else ""))
