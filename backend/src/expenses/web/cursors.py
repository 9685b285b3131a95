"""Opaque cursors: where a list goes on, in a form that nobody is tempted to compute with."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from expenses.database import LARGEST_ID
from expenses.errors import InvalidInput


def encode_cursor(before: int | None) -> str | None:
    if before is None:
        return None
    return urlsafe_b64encode(f"before:{before}".encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> int | None:
    """Raises `InvalidInput` for anything that `encode_cursor` has not made."""
    if cursor is None:
        return None
    try:
        text = urlsafe_b64decode(cursor.encode("ascii") + b"==").decode("ascii")
        before = int(text.removeprefix("before:"))
    except ValueError:
        raise _unreadable() from None
    if encode_cursor(before) != cursor or not 0 < before <= LARGEST_ID:
        raise _unreadable()
    return before


def _unreadable() -> InvalidInput:
    return InvalidInput({"cursor": "Use the `next` of the page before, or leave it out."})
