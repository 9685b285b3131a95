"""What people may type: text without the characters that break databases, logs and pages."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def N_(message: str) -> str:  # noqa: N802, the name that every translator's tool knows
    """Marks a message for people: it is translated where it is shown."""
    return message


# The language of the words in the code, and of whoever is not known to read another one.
ENGLISH = "en"

_UNUSABLE = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"  # control characters and lone surrogates
_NOT_IN_A_LINE = re.compile(f"[{_UNUSABLE}]")
_NOT_IN_LINES = re.compile(rf"(?![\n\t])[{_UNUSABLE}]")


def _printable(text: str) -> str:
    return _without(_NOT_IN_A_LINE, text)


def _printable_lines(text: str) -> str:
    return _without(_NOT_IN_LINES, text.replace("\r\n", "\n"))


def _without(unusable: re.Pattern[str], text: str) -> str:
    if unusable.search(text):
        raise ValueError(N_("Control characters are not allowed."))
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
