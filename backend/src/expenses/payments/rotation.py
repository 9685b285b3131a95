"""A new SECRET_KEY: what the previous one encrypted, and encrypting it again."""

from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.payments.encryption import Cipher, Unreadable
from expenses.payments.models import payout_table
from expenses.settings import Settings

_STORED = select(payout_table.c.user_id, payout_table.c.encrypted).order_by(payout_table.c.user_id)


class Condition(NamedTuple):
    """How many payout details are stored, need SECRET_KEY_PREVIOUS, and cannot be decrypted."""

    stored: int
    previous: int
    unreadable: int


async def condition(connection: AsyncConnection, settings: Settings) -> Condition:
    """Try to decrypt everything that is stored."""
    cipher = Cipher(settings)
    stored = previous = unreadable = 0
    for user_id, encrypted in await connection.execute(_STORED):
        stored += 1
        try:
            cipher.decrypt(user_id, encrypted)
            previous += not cipher.is_current(encrypted)
        except Unreadable:
            unreadable += 1
    return Condition(stored, previous, unreadable)


async def encrypt_again(connection: AsyncConnection, settings: Settings) -> int:
    """Encrypt with SECRET_KEY what the previous key encrypted, and return how many there were.

    What cannot be decrypted stays as it is.
    """
    cipher = Cipher(settings)
    again = []
    for user_id, encrypted in await connection.execute(_STORED.with_for_update()):
        try:
            values = cipher.decrypt(user_id, encrypted)
        except Unreadable:
            continue
        if not cipher.is_current(encrypted):
            again.append((user_id, cipher.encrypt(user_id, values)))
    for user_id, encrypted in again:
        await connection.execute(
            update(payout_table)
            .where(payout_table.c.user_id == user_id)
            .values(encrypted=encrypted)
        )
    return len(again)
