"""Codes for whoever has lost their passkeys: ten, shown once, each good for one log-in."""

import secrets
from base64 import b32encode

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import InvalidInput, NotFound
from expenses.history import record
from expenses.i18n.text import N_
from expenses.users.models import Actor
from expenses.users.random_tokens import hash_token
from expenses.users.second_factor.models import recovery_code_table
from expenses.users.second_factor.queries import count_factors
from expenses.users.warnings import warn

NUMBER = 10
# 120 random bits, which is enough for a plain hash: nobody can try them all.
RANDOM_BYTES = 15


async def replace_codes(connection: AsyncConnection, user_id: int) -> list[str]:
    """Make new codes, and the old ones useless."""
    await delete_codes(connection, user_id)
    codes = [_new_code() for _ in range(NUMBER)]
    await connection.execute(
        insert(recovery_code_table),
        [{"code_hash": _hash(code), "user_id": user_id} for code in codes],
    )
    return codes


async def make_new_codes(connection: AsyncConnection, *, actor: Actor) -> list[str]:
    """Replace the actor's codes. Raises `NotFound` where they have no passkey."""
    if not (await count_factors(connection, actor.id)).passkeys:
        raise NotFound()
    codes = await replace_codes(connection, actor.id)
    action = "user.recovery_codes_made"
    event_id = await record(connection, action, actor_id=actor.id, user_id=actor.id)
    await warn(connection, action, actor.id, event_id)
    return codes


async def use_code(connection: AsyncConnection, code: str, user_id: int) -> int:
    """Use a code up, and return how many are left. Raises `InvalidInput` for the field `code`."""
    used = await connection.execute(
        delete(recovery_code_table).where(
            recovery_code_table.c.code_hash == _hash(code),
            recovery_code_table.c.user_id == user_id,
        )
    )
    if not used.rowcount:
        raise InvalidInput({"code": N_("This is none of your codes, or it has been used.")})
    left = (await count_factors(connection, user_id)).codes
    action = "user.recovery_code_used"
    event_id = await record(connection, action, actor_id=user_id, user_id=user_id, left=left)
    await warn(connection, action, user_id, event_id, left=str(left))
    return left


async def delete_codes(connection: AsyncConnection, user_id: int) -> None:
    await connection.execute(
        delete(recovery_code_table).where(recovery_code_table.c.user_id == user_id)
    )


def _new_code() -> str:
    """Return a code such as `abcd-efgh-2345-…`."""
    text = b32encode(secrets.token_bytes(RANDOM_BYTES)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(code: str) -> bytes:
    """Hash a code, however its letters and gaps were typed."""
    return hash_token("".join(filter(str.isalnum, code)).lower())
