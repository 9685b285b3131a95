"""What people may type: text without the characters that break databases, logs and pages."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from expenses.i18n.text import N_, normal

_CONTROL = r"\x00-\x1f\x7f-\x9f"
_CONTROL_IN_LINES = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
# They turn the direction of a whole sentence, in which a name is only one word.
_TURNING = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# White space, and what shows nothing: fillers, joiners, selectors of variants.
_INVISIBLE = (
    r"\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
_SURROGATES_AND_TAGS = r"\ud800-\udfff\U000e0000-\U000e0fff"
_VISIBLE = re.compile(f"[^{_CONTROL}{_INVISIBLE}{_SURROGATES_AND_TAGS}]")
_TURNS = re.compile(f"[{_TURNING}]")


def _printable(value: object) -> object:
    return _without(_CONTROL, value) if isinstance(value, str) else value


def _printable_lines(value: object) -> object:
    if not isinstance(value, str):
        return value
    return _without(_CONTROL_IN_LINES, value.replace("\r\n", "\n").replace("\r", "\n"))


def _without(control: str, text: str) -> str:
    if re.search(rf"[{control}\ud800-\udfff]", text):
        raise ValueError(N_("Control characters are not allowed."))
    return normal(text)


def _visible(text: str) -> str:
    # An empty text is said to be missing.
    if text and not _VISIBLE.search(text):
        raise ValueError(N_("Use at least one visible character."))
    return text


def _one_way(text: str) -> str:
    if _TURNS.search(text):
        raise ValueError(N_("Characters that change the direction of text are not allowed."))
    return text


def _matching(characters: str, *, visible: bool = False) -> Any:
    """Say in the schema which characters are refused."""
    any_number = f"[^{characters}]*"
    some = f"[^{characters}{_INVISIBLE}]{any_number}" if visible else ""
    return Field(json_schema_extra={"pattern": f"^{any_number}{some}$"})


Stripped = StringConstraints(strip_whitespace=True)
_Line = Annotated[str, Stripped, BeforeValidator(_printable)]

Line = Annotated[_Line, _matching(_CONTROL)]
"""One line, trimmed."""

VisibleLine = Annotated[_Line, AfterValidator(_visible), _matching(_CONTROL, visible=True)]
"""One line with at least one visible character."""

Name = Annotated[
    _Line,
    AfterValidator(_visible),
    AfterValidator(_one_way),
    _matching(_CONTROL + _TURNING, visible=True),
]
"""The name of a person, as it appears inside sentences."""

VisibleLines = Annotated[
    str,
    Stripped,
    BeforeValidator(_printable_lines),
    AfterValidator(_visible),
    _matching(_CONTROL_IN_LINES, visible=True),
]
"""Text that may have line breaks, trimmed, in which people see something."""
