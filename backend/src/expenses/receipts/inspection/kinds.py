"""The kinds of files that receipts may be, found in the bytes."""

import re
from enum import StrEnum

from expenses.errors import InvalidInput
from expenses.files import kinds
from expenses.i18n.languages import gettext
from expenses.i18n.text import N_


class Kind(StrEnum):
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    HEIC = "heic"
    PDF = "pdf"
    XML = "xml"

    @property
    def extension(self) -> str:
        return "jpg" if self is Kind.JPEG else self.value

    @property
    def media_type(self) -> str:
        folder = "application" if self in {Kind.PDF, Kind.XML} else "image"
        return f"{folder}/{self.value}"


class UnreadableFile(InvalidInput):
    """The field `file` says what the file is instead, or what is wrong with it."""

    code = "unreadable-file"

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__({"file": gettext(sentence, **values)})
        self.template, self.values = sentence, values


_OTHER = N_("This is %(kind)s. Receipts are JPEG, PNG, WebP, HEIC, PDF or e-invoice XML.")
_UNKNOWN = N_("This file cannot be read. Receipts are JPEG, PNG, WebP, HEIC, PDF or e-invoice XML.")
_OFD = N_("This is an OFD file. Please choose the PDF or XML file of this invoice.")

_KINDS = {
    kinds.JPEG: Kind.JPEG,
    kinds.PNG: Kind.PNG,
    kinds.WEBP: Kind.WEBP,
    kinds.HEIC: Kind.HEIC,
    kinds.PDF: Kind.PDF,
    kinds.XML: Kind.XML,
}
# An invoice may come without the declaration that XML begins with.
_INVOICE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\w+:)?(?:\w*Invoice|CreditNote|\w+Document)\b")


def find_kind(content: bytes) -> Kind:
    """Raises `UnreadableFile` that says what else it is."""
    if not content:
        raise UnreadableFile(N_("This file is empty."))
    kind = kinds.kind_by_start(content) or _container(content)
    if kind is None and _INVOICE.match(content[:1000]):
        return Kind.XML
    if kind is None:
        raise UnreadableFile(_UNKNOWN)
    if kind not in _KINDS:
        raise UnreadableFile(_OTHER, kind=gettext(kind))
    return _KINDS[kind]


def _container(content: bytes) -> str | None:
    """Name what an archive or a compound file holds."""
    if content.startswith(kinds.ZIP):
        if b"OFD.xml" in content:
            raise UnreadableFile(_OFD)
        found = (kind for part, kind in kinds.PARTS if part.encode() in content)
        return next(found, kinds.ARCHIVE)
    if content.startswith(kinds.COMPOUND):
        found = (kind for name, kind in kinds.STREAMS if kinds.has_stream(content, name))
        return next(found, kinds.OFFICE)
    return None
