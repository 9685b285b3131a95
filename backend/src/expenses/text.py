"""What people may type: text without the characters that break databases, logs and pages."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def N_(message: str) -> str:  # noqa: N802, the name that every translator's tool knows
    """Marks a message for people: it is translated where it is shown."""
    return message


# The language of the words in the code, and of whoever is not known to read another one.
ENGLISH = "en"

_LINE_BREAKS = {"\n", "\t"}
_UNUSABLE = {"Cc", "Cs"}  # control characters and lone surrogates


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in _UNUSABLE for character in text):
        raise ValueError(N_("Control characters cannot be used here."))
    return text


def _printable_lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    _printable("".join(character for character in text if character not in _LINE_BREAKS))
    return text


Stripped = StringConstraints(strip_whitespace=True)
Line = Annotated[str, Stripped, AfterValidator(_printable)]
"""One line, trimmed."""

Lines = Annotated[str, Stripped, AfterValidator(_printable_lines)]
"""Text that may have line breaks, trimmed."""


def like(text: str) -> str:
    """A pattern of SQL that finds `text` anywhere; its % and _ are just characters."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
