"""Log-ins that an issuer of single sign-on vouches for, and the accounts that are linked to it."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import LinkedToAnother, NotLinked, NotRegistered
from expenses.history import record
from expenses.settings import Settings
from expenses.users import locks
from expenses.users.models import Role, linked_account_table, user_table
from expenses.users.queries import UserView, find_password, users_by_id
from expenses.users.second_factor.reset import remove_factors
from expenses.users.sessions import NewSession, end_sessions, logged, start_session
from expenses.users.throttling import Caller
from expenses.users.tokens import revoke_all
from expenses.users.warnings import warn


class Identity(NamedTuple):
    """Who somebody is, as the issuer says: it knows them by `subject`, and has verified `email`.

    Name and role are None where it does not say them.
    """

    issuer: str
    subject: str
    email: str
    username: str | None = None
    role: Role | None = None


class SignIn(NamedTuple):
    """Who has come back from the issuer, and when it asked them who they are, if it says so."""

    identity: Identity
    at: datetime | None


class _Known(NamedTuple):
    user_id: int
    is_linked: bool


async def log_in(
    database: Database, sign_in: SignIn, *, caller: Caller, settings: Settings
) -> NewSession:
    """Link the user with this e-mail at their first log-in. Raises `NotRegistered`, `Suspended`,
    and `LinkedToAnother` where the issuer has said before that the e-mail is somebody else's.
    """
    identity = sign_in.identity
    async with database.reading() as connection:
        known = await _find(connection, identity, settings)
    with logged(known.user_id if known else None):
        if known is None:
            raise NotRegistered()
        async with database.transaction() as connection:
            if not known.is_linked:
                await _link_known(connection, known.user_id, identity, settings)
            return await start_session(
                connection,
                known.user_id,
                caller=caller,
                settings=settings,
                signed_in_at=sign_in.at,
            )


async def link(
    connection: AsyncConnection, user_id: int, identity: Identity, settings: Settings
) -> bool:
    """Say whether the link is new. Raises `LinkedToAnother`."""
    new = insert(linked_account_table).values(
        issuer=identity.issuer, subject=identity.subject, user_id=user_id
    )
    inserted = await connection.execute(
        new.on_conflict_do_nothing().returning(linked_account_table.c.user_id)
    )
    if inserted.first() is not None:
        return True
    # Of two first log-ins at once, the second finds the link there.
    if await _linked_user(connection, identity) != user_id:
        raise LinkedToAnother(name=settings.oidc_name)
    return False


async def unlink(connection: AsyncConnection, email: str) -> UserView:
    """Forget a user's account at the issuer, for whoever has access to the server.

    Their sessions end, and the next log-in links the account that the issuer then has for their
    e-mail. Raises `NotRegistered`, and `NotLinked` where there is nothing to forget.
    """
    found = await find_password(connection, email)
    if found is None:
        raise NotRegistered()
    await locks.take_alone(connection, found.user_id)
    links = delete(linked_account_table).where(linked_account_table.c.user_id == found.user_id)
    if not (await connection.execute(links)).rowcount:
        raise NotLinked()
    ended = await end_sessions(connection, found.user_id)
    await record(
        connection,
        "user.unlinked",
        actor_id=found.user_id,
        user_id=found.user_id,
        sessions_ended=ended,
    )
    return (await users_by_id(connection, [found.user_id]))[found.user_id]


async def _find(
    connection: AsyncConnection, identity: Identity, settings: Settings
) -> _Known | None:
    """Raises `LinkedToAnother` for an e-mail that is only spelled like a user's, such as one with
    a dotless i: it may be another person's mailbox.
    """
    user_id = await _linked_user(connection, identity)
    if user_id is not None:
        return _Known(user_id, is_linked=True)
    found = await find_password(connection, identity.email)
    if found is None:
        return None
    if found.email.lower() != identity.email.lower():
        raise LinkedToAnother(name=settings.oidc_name)
    return _Known(found.user_id, is_linked=False)


async def _linked_user(connection: AsyncConnection, identity: Identity) -> int | None:
    user_id: int | None = await connection.scalar(
        select(linked_account_table.c.user_id).where(
            linked_account_table.c.issuer == identity.issuer,
            linked_account_table.c.subject == identity.subject,
        )
    )
    return user_id


async def _link_known(
    connection: AsyncConnection, user_id: int, identity: Identity, settings: Settings
) -> None:
    """Whoever registered with this e-mail never had to show that it is theirs, as its owner now
    does: their password, their passkeys, their tokens and their sessions end.
    """
    await locks.take_alone(connection, user_id)
    if not await link(connection, user_id, identity, settings):
        return
    await connection.execute(
        update(user_table).where(user_table.c.id == user_id).values(password_hash=None)
    )
    await remove_factors(connection, user_id)
    ended = await end_sessions(connection, user_id)
    revoked = await revoke_all(connection, user_id)
    event_id = await record(
        connection,
        "user.linked",
        actor_id=user_id,
        user_id=user_id,
        issuer=identity.issuer,
        sessions_ended=ended,
        **revoked,
    )
    await warn(connection, "user.linked", user_id, event_id, name=settings.oidc_name)
