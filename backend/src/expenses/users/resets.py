"""A new password for whoever has forgotten the old one, by a link that works once."""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import AlreadyErased, ResetExpired
from expenses.history import record
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.users import locks
from expenses.users.models import Actor, email_change_table, password_reset_table, user_table
from expenses.users.passwords import hash_new
from expenses.users.policy import ensure_can_suspend
from expenses.users.queries import UserView, find_password, lock_employee, users_by_id
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.sessions import end_sessions
from expenses.users.tokens import revoke_all
from expenses.users.warnings import warn

# What the mail with the link is called.
LINK_REQUESTED = "password.reset_requested"

LIFETIME = timedelta(minutes=30)


class Forgotten(NamedTuple):
    """Whose password is set anew by a link."""

    user_id: int
    email: str


async def send_link(database: Database, email: str) -> None:
    """Mail a link to the user of an e-mail; nothing where nobody has it, or they are suspended."""
    async with database.transaction() as connection:
        found = await find_password(connection, email)
        user = (
            (await users_by_id(connection, [found.user_id])).get(found.user_id) if found else None
        )
        if user is None or user.suspended_at is not None:
            return
        facts = {"secret": await _new_secret(connection, user.id)}
        await announce(
            connection,
            LINK_REQUESTED,
            [Subject(user.id, facts=facts)],
            actor_id=None,
            by=[Channel.MAIL],
        )


async def make_for_employee(
    connection: AsyncConnection, employee_id: int, *, actor: Actor
) -> tuple[UserView, str]:
    """Make a secret that an employer hands to an employee.

    Raises `AlreadyErased`, `Forbidden`, `NotFound`.
    """
    ensure_can_suspend(actor)
    employee = await lock_employee(connection, employee_id)
    if employee.erased_at is not None:
        raise AlreadyErased(username=employee.username)
    secret = await _new_secret(connection, employee.id)
    await record(connection, "user.reset_link_made", actor_id=actor.id, user_id=employee.id)
    return employee, secret


async def make_for_anyone(connection: AsyncConnection, email: str) -> str | None:
    """Make a secret for whoever has access to the server; None where nobody has the e-mail."""
    found = await find_password(connection, email)
    if found is None:
        return None
    await record(connection, "user.reset_link_made", actor_id=found.user_id, user_id=found.user_id)
    return await _new_secret(connection, found.user_id)


async def find_reset(connection: AsyncConnection, secret: str) -> Forgotten:
    """Raises `ResetExpired`, also for a link that was used and for a suspended user's."""
    row = (
        await connection.execute(
            select(user_table.c.id, user_table.c.email)
            .join(password_reset_table, password_reset_table.c.user_id == user_table.c.id)
            .where(
                password_reset_table.c.secret_hash == hash_token(secret),
                password_reset_table.c.expires_at > func.now(),
                user_table.c.suspended_at.is_(None),
            )
        )
    ).first()
    if row is None:
        raise ResetExpired()
    return Forgotten._make(row)


async def reset_password(
    database: Database,
    forgotten: Forgotten,
    secret: str,
    password: str,
    *,
    revoke_tokens: bool = False,
) -> None:
    """Set a new password, end all sessions, and make all links of the user useless.

    Programs keep their tokens unless `revoke_tokens`. `forgotten` is what `find_reset` has found
    by the secret. Raises `ResetExpired`, and `InvalidInput` for the field `new`.
    """
    password_hash = await hash_new(password, email=forgotten.email)
    async with database.transaction() as connection:
        # Log-ins under way wait, or their sessions would be missed.
        await locks.take_alone(connection, forgotten.user_id)
        # Of two who use the link at once, the second finds it gone.
        await find_reset(connection, secret)
        await connection.execute(
            delete(password_reset_table).where(password_reset_table.c.user_id == forgotten.user_id)
        )
        await connection.execute(
            delete(email_change_table).where(email_change_table.c.user_id == forgotten.user_id)
        )
        await connection.execute(
            update(user_table)
            .where(user_table.c.id == forgotten.user_id)
            .values(password_hash=password_hash)
        )
        ended = await end_sessions(connection, forgotten.user_id)
        revoked = await revoke_all(connection, forgotten.user_id) if revoke_tokens else {}
        event_id = await record(
            connection,
            "user.password_reset",
            actor_id=forgotten.user_id,
            user_id=forgotten.user_id,
            sessions_ended=ended,
            **revoked,
        )
        await warn(connection, "user.password_reset", forgotten.user_id, event_id)


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(password_reset_table).where(password_reset_table.c.expires_at < func.now())
    )


async def _new_secret(connection: AsyncConnection, user_id: int) -> str:
    """Keep the hash alone: who reads the table cannot make a link of it."""
    secret = new_token()
    await connection.execute(
        insert(password_reset_table).values(
            secret_hash=hash_token(secret), user_id=user_id, expires_at=func.now() + LIFETIME
        )
    )
    return secret
