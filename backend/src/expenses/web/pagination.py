"""Opaque cursors that say where a list continues."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from expenses.database.tables import MAX_ID
from expenses.errors import InvalidInput
from expenses.i18n.money import Amount
from expenses.i18n.text import N_
from expenses.tickets.filters import Position, Sort
from expenses.tickets.schemas import Day

Cursor = Annotated[str, Field(min_length=1, max_length=500, pattern="^[A-Za-z0-9_-]+$")]
"""What the answer before this one said comes next."""

_VALUES: dict[str, TypeAdapter[Any]] = {
    "filed": TypeAdapter(int),
    "date": TypeAdapter(Day),
    "amount": TypeAdapter(Amount),
}


def encode_cursor(before: int | None) -> str | None:
    """Encode the id that a list, newest first, continues before."""
    return None if before is None else _encode([before])


def decode_cursor(cursor: str | None) -> int | None:
    """Raises `InvalidInput` for anything that `encode_cursor` has not made."""
    if cursor is None:
        return None
    parts = _decode(cursor)
    if len(parts) != 1 or not _is_id(parts[0]):
        raise _unreadable()
    before: int = parts[0]
    return before


def encode_position(position: Position | None, sort: Sort) -> str | None:
    """Encode a position in the order of `sort`."""
    if position is None:
        return None
    value = position.value if isinstance(position.value, int) else str(position.value)
    return _encode([sort.value, value, position.id, position.backwards])


def decode_position(cursor: str | None, sort: Sort) -> Position | None:
    """Raises `InvalidInput` for the cursor of another order and for anything else."""
    if cursor is None:
        return None
    parts = _decode(cursor)
    if len(parts) != 4 or parts[0] != sort.value or not _is_id(parts[2]):
        raise _unreadable()
    try:
        value: int | date | Decimal = _VALUES[sort.removeprefix("-")].validate_python(parts[1])
    except ValidationError:
        raise _unreadable() from None
    return Position(value, parts[2], parts[3] is True)


def _encode(parts: list[Any]) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str) -> list[Any]:
    try:
        parts = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=="))
    except (ValueError, RecursionError):
        raise _unreadable() from None
    if not isinstance(parts, list):
        raise _unreadable()
    return parts


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value <= MAX_ID


def _unreadable() -> InvalidInput:
    return InvalidInput({"cursor": N_("Use a cursor that came with this list, or leave it out.")})
