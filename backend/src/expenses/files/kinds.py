"""What kind of file it is, by how its bytes begin: its name may say anything."""

import re

from expenses.i18n.text import N_

PDF = N_("a PDF document")
TEXT_DOCUMENT = N_("a text document")
SLIDES = N_("a presentation")
SPREADSHEET = N_("a spreadsheet")
JPEG, PNG, WEBP = N_("a JPEG image"), N_("a PNG image"), N_("a WebP image")
GIF, TIFF, BMP, SVG = N_("a GIF image"), N_("a TIFF image"), N_("a BMP image"), N_("an SVG image")
OFFICE = N_("an Office document")
HEIC = N_("a HEIC photo")
FILM = N_("a photo or a video")
PROGRAM = N_("a program")
ARCHIVE = N_("an archive")
WEB_PAGE = N_("a web page")
XML = N_("an XML file")
JSON = N_("a JSON file")

ZIP, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

_BLANK = rb"(?:\xef\xbb\xbf)?\s*"
# In XML, a declaration and comments may come before the first element.
_PROLOG = _BLANK + rb"(?:<[?!][^>]*>\s*)*"
_STARTS = (
    (_BLANK + rb"%PDF-", PDF),
    (rb"\{\\rtf", TEXT_DOCUMENT),
    (rb"\xff\xd8\xff", JPEG),
    (rb"\x89PNG\r\n\x1a\n", PNG),
    (rb"RIFF....WEBP", WEBP),
    (rb"GIF8", GIF),
    (rb"II\*\0|MM\0\*", TIFF),
    (rb"BM.{4}\0{4}", BMP),
    (rb"....ftyp(?:hei[cxms]|hev[cx])|....ftypm[is]f1.{4,}?hei[cx]", HEIC),
    (rb"....ftyp", FILM),
    (rb"MZ.{,60}\0|\x7fELF|[\xce\xcf]\xfa\xed\xfe|\xca\xfe\xba\xbe", PROGRAM),
    (rb"PK\x05\x06|\x1f\x8b|7z\xbc\xaf|Rar!|\xfd7zXZ\0|BZh\d1AY|\x28\xb5\x2f\xfd", ARCHIVE),
    (_PROLOG + rb"<(?i:!doctype html|html|head|body|table|meta|script)\b", WEB_PAGE),
    (_PROLOG + rb"<(?:\w+:)?svg\b", SVG),
    (_BLANK + rb"<\?xml\b|\xff\xfe<\0\?\0|\xfe\xff\0<\0\?", XML),
    (_BLANK + rb'(?:\[\s*)?\{\s*"', JSON),
)
# Folders of an archive, or the media type that it says it has.
PARTS = (
    ("xl/", SPREADSHEET),
    ("opendocument.spreadsheet", SPREADSHEET),
    ("word/", TEXT_DOCUMENT),
    ("ppt/", SLIDES),
    ("opendocument.text", TEXT_DOCUMENT),
    ("opendocument.presentation", SLIDES),
)
# Parts of compound files, which have names in UTF-16.
STREAMS = (
    ("Workbook", SPREADSHEET),
    ("WordDocument", TEXT_DOCUMENT),
    ("PowerPoint Document", SLIDES),
)


def kind_by_start(content: bytes) -> str | None:
    """Name what begins like this, to be translated; None where it may be text or anything else."""
    start = content[:1000]
    return next((kind for pattern, kind in _STARTS if re.match(pattern, start, re.DOTALL)), None)


def has_stream(content: bytes, name: str) -> bool:
    """Whether a compound file has a part of this name."""
    return name.encode("utf-16-le") in content
