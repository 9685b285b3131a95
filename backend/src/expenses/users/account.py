"""What users do to their own account."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.database.tables import ensure_possible
from expenses.errors import (
    InvalidInput,
    NotFound,
    NotLoggedIn,
    Suspended,
    UsernameTaken,
    WrongPassword,
)
from expenses.history import record
from expenses.i18n.text import N_
from expenses.settings import Settings
from expenses.users import locks
from expenses.users.identity import username_skeleton
from expenses.users.models import Actor, email_change_table, session_table, user_table
from expenses.users.passwords import hash_new, verify_password
from expenses.users.queries import VIEW, UserView, users_by_id
from expenses.users.sessions import CurrentUser, end_sessions
from expenses.users.throttling import count_attempt, password_limits, uncount_attempt
from expenses.users.tokens import revoke_all
from expenses.users.warnings import warn


async def change_username(
    connection: AsyncConnection, username: str, *, actor: CurrentUser
) -> UserView:
    """Rename the actor. The same name again changes nothing. Raises `UsernameTaken`."""
    user = await _lock(connection, actor.id)
    before = user.username
    if username == before:
        return user
    try:
        # The transaction goes on where this fails: the page still has to be read.
        async with connection.begin_nested():
            await connection.execute(
                update(user_table)
                .where(user_table.c.id == actor.id)
                .values(username=username, username_skeleton=username_skeleton(username))
            )
    except IntegrityError:
        raise UsernameTaken() from None
    await record(
        connection,
        "user.renamed",
        actor_id=actor.id,
        user_id=actor.id,
        before={"username": before},
        after={"username": username},
    )
    return user._replace(username=username)


async def switch_mails(connection: AsyncConnection, *, on: bool, actor: Actor) -> UserView:
    """Switch the actor's mails on or off. Doing it again is no event."""
    user = await _lock(connection, actor.id)
    if user.gets_mails is on:
        return user
    await connection.execute(
        update(user_table).where(user_table.c.id == actor.id).values(gets_mails=on)
    )
    action = "user.mails_switched_on" if on else "user.mails_switched_off"
    await record(connection, action, actor_id=actor.id, user_id=actor.id)
    return user._replace(gets_mails=on)


async def switch_mails_off(connection: AsyncConnection, user_id: int) -> None:
    """Handle the link in one of the user's own mails. Raises `NotFound`, `Suspended`."""
    await locks.share(connection, user_id)
    user = (await users_by_id(connection, [user_id])).get(user_id)
    if user is None:
        raise NotFound()
    if user.suspended_at is not None:
        raise Suspended()
    await switch_mails(connection, on=False, actor=user)


async def choose_language(connection: AsyncConnection, language: str, *, actor: Actor) -> None:
    """Set the language of the actor's mails. It is no event, since it affects nobody else."""
    await connection.execute(
        update(user_table).where(user_table.c.id == actor.id).values(language=language)
    )


async def change_password(
    database: Database,
    *,
    old: str,
    new: str,
    actor: CurrentUser,
    settings: Settings,
    revoke_tokens: bool = False,
) -> int:
    """Change the password, end all other sessions, and return how many there were.

    Programs keep their tokens unless `revoke_tokens`.
    Raises `InvalidInput` for the fields `old` and `new`; `NotLoggedIn` where the session has ended
    meanwhile; `TooManyAttempts` when the old one is guessed at. Takes the database and not a
    connection, for the same reason as logging in.
    """
    limits = password_limits(actor.id, settings)
    await count_attempt(database, limits)
    verified = await _verify(database, old, actor, field="old")
    password_hash = await hash_new(new, email=actor.email)
    async with database.transaction() as connection:
        # It may have been changed elsewhere while this one was being hashed.
        if await _lock_password(connection, actor) != verified:
            raise InvalidInput({"old": WrongPassword.template})
        await connection.execute(
            update(user_table)
            .where(user_table.c.id == actor.id)
            .values(password_hash=password_hash)
        )
        await uncount_attempt(connection, limits)
        # Whoever knew the old one may have asked for it.
        await connection.execute(
            delete(email_change_table).where(email_change_table.c.user_id == actor.id)
        )
        ended = await end_sessions(connection, actor.id, but_for=actor.session_id)
        revoked = await revoke_all(connection, actor.id) if revoke_tokens else {}
        event_id = await record(
            connection,
            "user.password_changed",
            actor_id=actor.id,
            user_id=actor.id,
            sessions_ended=ended,
            **revoked,
        )
        await warn(connection, "user.password_changed", actor.id, event_id)
    return ended


@asynccontextmanager
async def confirmed_by_password(
    database: Database, password: str | None, *, actor: CurrentUser, settings: Settings
) -> AsyncIterator[AsyncConnection]:
    """Open a transaction for a change that asks for the password once more.

    Who has none has to come from single sign-on just now. Raises `InvalidInput` for the field
    `password`, and otherwise as `change_password` does.
    """
    if not actor.has_password:
        if not actor.has_just_signed_in:
            raise InvalidInput({"password": N_("Log in again first, to confirm that it is you.")})
        async with database.transaction() as connection:
            await _lock_password(connection, actor)
            yield connection
        return
    limits = password_limits(actor.id, settings)
    await count_attempt(database, limits)
    verified = await _verify(database, password or "", actor, field="password")
    async with database.transaction() as connection:
        if await _lock_password(connection, actor) != verified:
            raise InvalidInput({"password": WrongPassword.template})
        await uncount_attempt(connection, limits)
        yield connection


async def end_session(connection: AsyncConnection, session_id: int, *, actor: CurrentUser) -> None:
    """End one of the actor's sessions. Raises `NotFound` for another user's."""
    ensure_possible(session_id)
    ended = await connection.scalar(
        delete(session_table)
        .where(session_table.c.id == session_id, session_table.c.user_id == actor.id)
        .returning(session_table.c.id)
    )
    if ended is None:
        raise NotFound()
    await record(
        connection, "user.session_ended", actor_id=actor.id, user_id=actor.id, sessions_ended=1
    )


async def end_other_sessions(connection: AsyncConnection, *, actor: CurrentUser) -> int:
    """End all sessions of the actor but this one, and return how many."""
    ended = await end_sessions(connection, actor.id, but_for=actor.session_id)
    if ended:
        await record(
            connection,
            "user.session_ended",
            actor_id=actor.id,
            user_id=actor.id,
            sessions_ended=ended,
        )
    return ended


async def _lock(connection: AsyncConnection, user_id: int) -> UserView:
    query = select(*VIEW).where(user_table.c.id == user_id).with_for_update(key_share=True)
    return UserView._make((await connection.execute(query)).one())


async def _verify(
    database: Database, password: str, actor: CurrentUser, *, field: str
) -> str | None:
    """Return the hash that the password was checked against. Raises `InvalidInput` for `field`."""
    async with database.reading() as connection:
        password_hash: str | None = await connection.scalar(
            select(user_table.c.password_hash).where(user_table.c.id == actor.id)
        )
    if not await verify_password(password, password_hash):
        raise InvalidInput({field: WrongPassword.template})
    return password_hash


async def _lock_password(connection: AsyncConnection, actor: CurrentUser) -> str | None:
    """Wait for log-ins under way, or their sessions would be missed, and return the password hash.

    Raises `NotLoggedIn`.
    """
    await locks.take_alone(connection, actor.id)
    row = (
        await connection.execute(
            select(user_table.c.password_hash)
            .join(session_table, session_table.c.user_id == user_table.c.id)
            .where(session_table.c.id == actor.session_id, user_table.c.id == actor.id)
        )
    ).first()
    if row is None:
        raise NotLoggedIn()
    password_hash: str | None = row.password_hash
    return password_hash
