"""Where users are logged in. Cookie and bearer token alike hold a random token; a row holds its
hash. One query answers who a token belongs to, at every request."""

import hashlib
import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.engine import Database
from expenses.database.statements import Statement
from expenses.errors import ExpensesError, NotLoggedIn, NotRegistered, Suspended, WrongPassword
from expenses.i18n.text import ENGLISH
from expenses.observability.logs import fields
from expenses.observability.metrics import LOG_INS
from expenses.settings import Settings
from expenses.users import queries
from expenses.users.models import Role, User, UserSession
from expenses.users.passwords import renewed_hash, verify_password
from expenses.users.throttling import Caller, Limit, count_attempt, limits_of_login, take_back

logger = logging.getLogger(__name__)

# How stale "last seen" may be: writing it at every request would turn each read into a write.
LAST_SEEN_PRECISION = timedelta(minutes=1)
LONGEST_CLIENT = 200
# Far more than anybody has devices; a program that logs in for each call may have thousands.
MOST_LISTED = 100


_whose = (
    select(
        User.id,
        User.email,
        User.username,
        User.role,
        User.suspended_at,
        User.created_at,
        User.gets_mails,
        UserSession.id,
        UserSession.last_seen_at,
        UserSession.ends_at,
        UserSession.idle_for,
    )
    .join(UserSession, UserSession.user_id == User.id)
    .where(
        UserSession.token_hash == bindparam("token_hash"),
        UserSession.expires_at > func.now(),
        User.suspended_at.is_(None),
    )
)
_WHOSE = Statement(_whose)
_WHOSE_LOCKED = Statement(_whose.with_for_update(key_share=True, read=True, of=User))


class CurrentUser(NamedTuple):
    """The user a token belongs to, and the session it opens."""

    id: int
    email: str
    username: str
    role: Role
    suspended_at: datetime | None
    created_at: datetime
    gets_mails: bool
    session_id: int
    last_seen_at: datetime
    ends_at: datetime
    idle_for: timedelta


class LoggedIn(NamedTuple):
    """A new session. `token` is told this once and not stored."""

    token: str
    expires_at: datetime
    user: User


async def log_in(
    database: Database, *, email: str, password: str, caller: Caller, settings: Settings
) -> LoggedIn:
    """Raises `NotRegistered`, `WrongPassword`, `TooManyAttempts`, or, once the password was right,
    `Suspended`.

    Takes the database and not a session: no connection is held while the password is hashed, or
    a few log-ins at once would leave none for anybody else.
    """
    async with database.reading() as session:
        user = await queries.find_user_by_email(session, email)
    limits = limits_of_login(caller, email, user.id if user else None, settings)
    with _written_down(user):
        return await _log_in(database, user, password, limits, caller, settings)


async def _log_in(
    database: Database,
    user: User | None,
    password: str,
    limits: Sequence[Limit],
    caller: Caller,
    settings: Settings,
) -> LoggedIn:
    await count_attempt(database, limits)
    fits = await verify_password(password, user.password_hash if user else None)
    if user is None:
        raise NotRegistered()
    if not fits:
        raise WrongPassword()
    renewed = await renewed_hash(password, user.password_hash)
    async with database.transaction() as session:
        await take_back(session, limits)
        logged_in = await start_session(session, user.id, caller=caller, settings=settings)
        # It may have been changed while this one was being compared.
        if logged_in.user.password_hash != user.password_hash:
            raise WrongPassword()
        if renewed is not None:
            logged_in.user.password_hash = renewed
    return logged_in


@contextmanager
def _written_down(user: User | None) -> Iterator[None]:
    who = fields(on_user=user.id if user else None)
    try:
        yield
    except ExpensesError as error:
        logger.warning("Log-in refused: %s", error.code, extra=who)
        LOG_INS.labels(error.code).inc()
        raise
    logger.info("Logged in", extra=who)
    LOG_INS.labels("logged-in").inc()


async def start_session(
    session: AsyncSession, user_id: int, *, caller: Caller, settings: Settings
) -> LoggedIn:
    """A session of a user who has shown who they are. Raises `Suspended`.

    What the settings say of sessions holds for those that begin from now on.
    """
    # The lock keeps a suspension under way from missing the session that is being added.
    user = await session.get_one(
        User, user_id, with_for_update={"key_share": True, "read": True}, populate_existing=True
    )
    if user.suspended_at is not None:
        raise Suspended()
    if caller.language not in (None, user.language or ENGLISH):
        user.language = caller.language
    token = new_token()
    now = datetime.now(UTC)
    begun = UserSession(
        token_hash=hash_token(token),
        user_id=user.id,
        ends_at=now + settings.session_lifetime,
        idle_for=settings.session_idle,
        expires_at=now + min(settings.session_lifetime, settings.session_idle),
        client=_client_label(caller.client),
    )
    session.add(begun)
    await session.flush()
    return LoggedIn(token, begun.expires_at, user)


async def authenticate(session: AsyncSession, token: str | None, *, lock: bool) -> CurrentUser:
    """Whose token it is. Raises `NotLoggedIn` for nobody's, an expired, or a suspended user's.

    With `lock`, a suspension waits for this transaction, or this one finds the session gone:
    nothing that a suspended user does is carried out afterwards.
    """
    if not token:
        raise NotLoggedIn()
    query = _WHOSE_LOCKED if lock else _WHOSE
    rows = await query.rows(session, token_hash=hash_token(token))
    if not rows:
        raise NotLoggedIn()
    user = CurrentUser._make(rows[0])
    await _touch(session, user)
    return user


async def list_sessions(session: AsyncSession, user: CurrentUser) -> Sequence[UserSession]:
    """Where `user` is logged in: this session first, then by when they were last seen."""
    is_this = UserSession.id == user.session_id
    query = (
        select(UserSession)
        .where(UserSession.user_id == user.id, UserSession.expires_at > func.now())
        .order_by(is_this.desc(), UserSession.last_seen_at.desc(), UserSession.id.desc())
        .limit(MOST_LISTED)
    )
    return (await session.scalars(query)).all()


async def log_out(session: AsyncSession, user: CurrentUser) -> None:
    await session.execute(delete(UserSession).where(UserSession.id == user.session_id))


async def end_sessions(session: AsyncSession, user_id: int, *, but_for: int | None = None) -> int:
    """End every session of a user, or all but one; how many they were."""
    sessions = delete(UserSession).where(UserSession.user_id == user_id)
    if but_for is not None:
        sessions = sessions.where(UserSession.id != but_for)
    ended = await session.execute(sessions.returning(UserSession.id))
    return len(ended.all())


async def delete_expired(session: AsyncSession) -> None:
    await session.execute(delete(UserSession).where(UserSession.expires_at < func.now()))


def new_token() -> str:
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> bytes:
    """The token is 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _client_label(client: str | None) -> str | None:
    """What a header says, as one line that a page can show."""
    visible = "".join(character for character in client or "" if character.isprintable())
    return visible.strip()[:LONGEST_CLIENT] or None


async def _touch(session: AsyncSession, user: CurrentUser) -> None:
    now = datetime.now(UTC)
    if now - user.last_seen_at > LAST_SEEN_PRECISION:
        # Added up here: a sharded database does not add a column's interval to an instant.
        expires_at = min(user.ends_at, now + user.idle_for)
        await session.execute(
            update(UserSession)
            .where(UserSession.id == user.session_id)
            .values(last_seen_at=now, expires_at=expires_at)
        )
