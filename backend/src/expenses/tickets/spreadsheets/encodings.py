"""In which encoding the text of a file is."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.tickets.spreadsheets.tables import unreadable

UTF8, UTF16 = "utf_8", "utf_16"
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

_BYTE_ORDER_MARKS = (BOM_UTF16_LE, BOM_UTF16_BE)
# Any bytes are text in some encoding, but only what was written as text is free of these. In
# Unicode, which is never guessed, one is a mistake in its cell.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
# What DOS put at the end of a file.
_END_OF_FILE = "\x1a"


def decode(content: bytes, encoding: str | None = None) -> tuple[str, str | None]:
    """Return the text, and its encoding where that was chosen or guessed.

    Raises `InvalidInput` for what is no text, or not in the chosen encoding.
    """
    # Imported where a spreadsheet is read: its tables take 2 MB.
    from charset_normalizer import from_bytes

    if encoding:
        return _decoded_as_chosen(content, encoding), encoding
    is_utf16 = content.startswith(_BYTE_ORDER_MARKS)
    try:
        return _decoded(content, UTF16 if is_utf16 else UTF8), None
    except UnicodeDecodeError:
        best = from_bytes(content, cp_isolation=list(ENCODINGS)[:2]).best()
    for guess in ([best.encoding] if best else ENCODINGS):
        with suppress(UnicodeDecodeError):
            return _decoded(content, guess), guess
    raise _no_text()


def in_other_encoding(text: str, was: str, encoding: str) -> str:
    """Read text again that was read in the wrong encoding.

    Raises `InvalidInput` where it does not fit, and where the person has added other characters.
    """
    if was not in ENCODINGS:
        raise _not_in(encoding)
    try:
        return _decoded_as_chosen(text.encode(was), encoding)
    except UnicodeEncodeError:
        raise _not_in(encoding) from None


def ensure_text(text: str) -> None:
    if "\0" in text:
        raise _no_text()


def _decoded(content: bytes, encoding: str) -> str:
    text = content.decode(encoding).removesuffix(_END_OF_FILE)
    ensure_text(text)
    if encoding not in {UTF8, UTF16} and _CONTROL.search(text):
        raise _no_text()
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _no_text() -> InvalidInput:
    return unreadable(gettext("This is not a table of text. Use a CSV file or a workbook."))


def _decoded_as_chosen(content: bytes, encoding: str) -> str:
    if encoding not in ENCODINGS:
        raise unreadable(gettext("This encoding is not known."))
    try:
        return _decoded(content, encoding)
    except UnicodeDecodeError:
        raise _not_in(encoding) from None


def _not_in(encoding: str) -> InvalidInput:
    name = ENCODINGS.get(encoding, encoding)
    return unreadable(gettext("The file is not in the encoding %(name)s.", name=name))
