"""Log-ins whose password was right, and whose second step is still to come."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import LogInExpired, Suspended
from expenses.settings import Settings
from expenses.users.models import user_table
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.second_factor.models import passkey_table, pending_log_in_table
from expenses.users.second_factor.policy import must_have_second_factor

LIFETIME = timedelta(minutes=10)

_HAS_PASSKEYS = (
    select(passkey_table.c.id).where(passkey_table.c.user_id == user_table.c.id).exists()
)


class PendingUser(NamedTuple):
    """Who has shown the password, and not yet the second factor."""

    user_id: int
    email: str
    username: str
    password_hash: str
    has_passkeys: bool


async def takes_second_step(
    connection: AsyncConnection, user_id: int, *, settings: Settings
) -> bool:
    """Say whether a user is asked for more than the password. Raises `Suspended` if so.

    Whoever has no password logs in by single sign-on, which may ask for more itself.
    """
    query = select(
        user_table.c.role,
        user_table.c.suspended_at,
        user_table.c.password_hash.is_not(None).label("has_password"),
        _HAS_PASSKEYS.label("has_passkeys"),
    ).where(user_table.c.id == user_id)
    user = (await connection.execute(query)).one()
    is_asked = user.has_passkeys or must_have_second_factor(user.role, settings)
    if not (user.has_password and is_asked):
        # The session that starts instead waits for a reactivation under way, and then looks.
        return False
    if user.suspended_at is not None:
        raise Suspended()
    return True


async def begin_second_step(
    connection: AsyncConnection, user_id: int, verified_hash: str | None = None
) -> str:
    """Return a token for the second step; a password that is changed meanwhile ends the log-in.

    Without `verified_hash`, the user has just registered, and so knows the password.
    """
    if verified_hash is None:
        stored = select(user_table.c.password_hash).where(user_table.c.id == user_id)
        verified_hash = await connection.scalar(stored)
    token = new_token()
    await connection.execute(
        insert(pending_log_in_table).values(
            token_hash=hash_token(token),
            user_id=user_id,
            password_hash=verified_hash,
            expires_at=func.now() + LIFETIME,
        )
    )
    return token


async def find_pending(connection: AsyncConnection, token: str | None) -> PendingUser:
    """Raises `LogInExpired`."""
    query = (
        select(
            user_table.c.id,
            user_table.c.email,
            user_table.c.username,
            pending_log_in_table.c.password_hash,
            _HAS_PASSKEYS,
        )
        .join(pending_log_in_table, pending_log_in_table.c.user_id == user_table.c.id)
        .where(
            pending_log_in_table.c.token_hash == hash_token(token or ""),
            pending_log_in_table.c.expires_at > func.now(),
        )
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise LogInExpired()
    return PendingUser._make(row)


async def end_pending(connection: AsyncConnection, token: str | None) -> None:
    """Take a pending log-in away, so that it is finished once. Raises `LogInExpired`."""
    ended = await connection.execute(
        delete(pending_log_in_table).where(
            pending_log_in_table.c.token_hash == hash_token(token or "")
        )
    )
    if not ended.rowcount:
        raise LogInExpired()


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(pending_log_in_table).where(pending_log_in_table.c.expires_at < func.now())
    )
