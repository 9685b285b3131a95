"""Sessions: a random token in a cookie or bearer header, and its hash in a row."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from prometheus_client import Counter
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import (
    ExpensesError,
    NotLoggedIn,
    NotRegistered,
    SecondFactorRequired,
    Suspended,
    WrongPassword,
)
from expenses.i18n.text import ENGLISH
from expenses.settings import Settings
from expenses.users import locks
from expenses.users.clients import storable
from expenses.users.devices import is_new_device, tell_of_new_device
from expenses.users.models import Role, session_table, user_table
from expenses.users.passwords import upgraded_hash, verify_password
from expenses.users.policy import ensure_takes_passwords
from expenses.users.queries import VIEW, StoredPassword, UserView, find_password
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.second_factor.pending import takes_second_step
from expenses.users.throttling import Caller, Limit, count_attempt, login_limits, uncount_attempt

logger = logging.getLogger(__name__)

LOG_INS = Counter("expenses_log_ins", "Log-ins, by result.", ["result"])

# How stale "last seen" may be: writing it at every request would turn each read into a write.
LAST_SEEN_PRECISION = timedelta(minutes=1)
# Far more than anybody has devices; a program that logs in for each call may have thousands.
MAX_LISTED = 100
# How long single sign-on stands for the password where one would be asked for.
CONFIRMED_FOR = timedelta(minutes=10)


# Built once, since it is sent for every request.
_BY_TOKEN = (
    select(
        user_table.c.id,
        user_table.c.email,
        user_table.c.username,
        user_table.c.role,
        user_table.c.suspended_at,
        user_table.c.created_at,
        user_table.c.gets_mails,
        user_table.c.password_hash.is_not(None),
        session_table.c.id,
        session_table.c.last_seen_at,
        session_table.c.ends_at,
        session_table.c.idle_for,
        session_table.c.signed_in_at,
    )
    .join(session_table, session_table.c.user_id == user_table.c.id)
    .where(
        session_table.c.token_hash == bindparam("token_hash"),
        session_table.c.expires_at > func.now(),
        user_table.c.suspended_at.is_(None),
    )
)


class CurrentUser(NamedTuple):
    """The user that a token belongs to, and its session."""

    id: int
    email: str
    username: str
    role: Role
    suspended_at: datetime | None
    created_at: datetime
    gets_mails: bool
    has_password: bool
    session_id: int
    last_seen_at: datetime
    ends_at: datetime
    idle_for: timedelta
    signed_in_at: datetime | None

    @property
    def has_just_signed_in(self) -> bool:
        """Whether single sign-on has asked them in the last minutes who they are."""
        at = self.signed_in_at
        return at is not None and at > datetime.now(UTC) - CONFIRMED_FOR


class SessionView(NamedTuple):
    """One place where a user is logged in; `client` is what it called itself."""

    id: int
    client: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


class NewSession(NamedTuple):
    """A session that has just begun. Its `token` is shown this once and not stored."""

    token: str
    expires_at: datetime
    user: UserView


async def log_in(
    database: Database, *, email: str, password: str, caller: Caller, settings: Settings
) -> NewSession:
    """Raises `NotRegistered`, `WrongPassword`, `TooManyAttempts`, `PasswordsOff`, or, with the
    right password, `Suspended` or `SecondFactorRequired`.

    Takes the database and not a connection, so that none is held while the password is hashed:
    a few log-ins at once would use up the pool.
    """
    ensure_takes_passwords(settings)
    async with database.reading() as connection:
        stored = await find_password(connection, email)
    limits = login_limits(caller, email, stored.user_id if stored else None, settings)
    with logged(stored.user_id if stored else None):
        return await _log_in(database, stored, password, limits, caller, settings)


async def _log_in(
    database: Database,
    stored: StoredPassword | None,
    password: str,
    limits: Sequence[Limit],
    caller: Caller,
    settings: Settings,
) -> NewSession:
    await count_attempt(database, limits)
    fits = await verify_password(password, stored.hash if stored else None)
    if stored is None:
        raise NotRegistered()
    if not fits or stored.hash is None:
        raise WrongPassword()
    renewed = await upgraded_hash(password, stored.hash)
    async with database.transaction() as connection:
        is_half_way = await takes_second_step(connection, stored.user_id, settings=settings)
        if not is_half_way:
            started = await start_session(
                connection,
                stored.user_id,
                caller=caller,
                settings=settings,
                verified_hash=stored.hash,
            )
        if renewed is not None:
            await connection.execute(
                update(user_table)
                .where(user_table.c.id == stored.user_id, user_table.c.password_hash == stored.hash)
                .values(password_hash=renewed)
            )
        # After the user's lock: whoever erases them holds that, and then deletes what was counted.
        await uncount_attempt(connection, limits)
    if is_half_way:
        raise SecondFactorRequired(stored.user_id, renewed or stored.hash)
    return started


@contextmanager
def logged(user_id: int | None) -> Iterator[None]:
    """Log and count a log-in, whether it succeeds or is refused."""
    who = {"fields": {"on_user": user_id}}
    try:
        yield
    except ExpensesError as error:
        logger.warning("Log-in refused: %s", error.code, extra=who)
        LOG_INS.labels(error.code).inc()
        raise
    logger.info("Logged in", extra=who)
    LOG_INS.labels("logged-in").inc()


async def start_session(
    connection: AsyncConnection,
    user_id: int,
    *,
    caller: Caller,
    settings: Settings,
    verified_hash: str | None = None,
    signed_in_at: datetime | None = None,
    is_registering: bool = False,
) -> NewSession:
    """Start a session for a user who has shown who they are. Raises `Suspended`.

    Unless they are registering, a log-in on a new device is recorded and mailed to them.
    With `verified_hash`, raises `WrongPassword` where the password has been changed meanwhile.
    What the settings say of sessions holds for those that begin from now on.
    """
    # Or a suspension under way would miss the session that is being added.
    await locks.share(connection, user_id)
    query = select(*VIEW, user_table.c.password_hash).where(user_table.c.id == user_id)
    *view, password_hash = (await connection.execute(query)).one()
    if verified_hash not in (None, password_hash):
        raise WrongPassword()
    user = UserView._make(view)
    if user.suspended_at is not None:
        raise Suspended()
    if caller.language not in (None, user.language or ENGLISH):
        await connection.execute(
            update(user_table).where(user_table.c.id == user_id).values(language=caller.language)
        )
    token = new_token()
    now = datetime.now(UTC)
    expires_at = now + min(settings.session_lifetime, settings.session_idle)
    await connection.execute(
        insert(session_table).values(
            token_hash=hash_token(token),
            user_id=user_id,
            ends_at=now + settings.session_lifetime,
            idle_for=settings.session_idle,
            signed_in_at=signed_in_at,
            expires_at=expires_at,
            client=storable(caller.client),
            address=storable(caller.address),
        )
    )
    if await is_new_device(connection, user_id, caller) and not is_registering:
        await tell_of_new_device(connection, user_id, caller)
    return NewSession(token, expires_at, user)


async def authenticate(
    connection: AsyncConnection, token: str | None, *, lock: bool
) -> CurrentUser:
    """Find out whose token it is. Raises `NotLoggedIn`, also for a suspended user's.

    With `lock`, a suspension waits for this transaction, or this one finds the session gone:
    nothing that a suspended user does is carried out afterwards.
    """
    if not token:
        raise NotLoggedIn()
    token_hash = hash_token(token)
    if lock:
        await locks.share_by_session(connection, token_hash)
    row = (await connection.execute(_BY_TOKEN, {"token_hash": token_hash})).first()
    if row is None:
        raise NotLoggedIn()
    user = CurrentUser._make(row)
    await _touch(connection, user)
    return user


async def list_sessions(connection: AsyncConnection, user: CurrentUser) -> list[SessionView]:
    """List where `user` is logged in: this session first, then by when they were last seen."""
    is_this = session_table.c.id == user.session_id
    query = (
        select(*(session_table.c[name] for name in SessionView._fields))
        .where(session_table.c.user_id == user.id, session_table.c.expires_at > func.now())
        .order_by(is_this.desc(), session_table.c.last_seen_at.desc(), session_table.c.id.desc())
        .limit(MAX_LISTED)
    )
    return [SessionView._make(row) for row in await connection.execute(query)]


async def log_out(connection: AsyncConnection, user: CurrentUser) -> None:
    await connection.execute(delete(session_table).where(session_table.c.id == user.session_id))


async def end_sessions(
    connection: AsyncConnection, user_id: int, *, but_for: int | None = None
) -> int:
    """End every session of a user, or all but one, and return how many."""
    sessions = delete(session_table).where(session_table.c.user_id == user_id)
    if but_for is not None:
        sessions = sessions.where(session_table.c.id != but_for)
    return (await connection.execute(sessions)).rowcount


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(delete(session_table).where(session_table.c.expires_at < func.now()))


async def _touch(connection: AsyncConnection, user: CurrentUser) -> None:
    now = datetime.now(UTC)
    if now - user.last_seen_at > LAST_SEEN_PRECISION:
        # Added up here: a sharded database does not add a column's interval to an instant.
        expires_at = min(user.ends_at, now + user.idle_for)
        await connection.execute(
            update(session_table)
            .where(session_table.c.id == user.session_id)
            .values(last_seen_at=now, expires_at=expires_at)
        )
