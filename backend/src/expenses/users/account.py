"""What users do to their own account."""

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.engine import LARGEST_ID, Database
from expenses.errors import InvalidInput, NotFound, NotLoggedIn, Suspended, WrongPassword
from expenses.history import record
from expenses.settings import Settings
from expenses.users.models import Actor, User, UserSession
from expenses.users.passwords import ensure_acceptable, hash_password, verify_password
from expenses.users.sessions import CurrentUser, end_sessions
from expenses.users.throttling import count_attempt, limits_of_password, take_back


async def change_username(session: AsyncSession, username: str, *, actor: CurrentUser) -> User:
    """The user as they are called from now on. The same name again changes nothing."""
    user = await session.get_one(
        User, actor.id, with_for_update={"key_share": True}, populate_existing=True
    )
    before = user.username
    if username == before:
        return user
    user.username = username
    await record(
        session,
        "user.renamed",
        actor_id=actor.id,
        user_id=actor.id,
        before={"username": before},
        after={"username": username},
    )
    return user


async def switch_mails(session: AsyncSession, *, on: bool, actor: Actor) -> User:
    """Whether the actor gets mails from now on. What is so already is no event."""
    user = await session.get_one(
        User, actor.id, with_for_update={"key_share": True}, populate_existing=True
    )
    if user.gets_mails is not on:
        user.gets_mails = on
        action = "user.mails_switched_on" if on else "user.mails_switched_off"
        await record(session, action, actor_id=actor.id, user_id=actor.id)
    return user


async def switch_mails_off(session: AsyncSession, user_id: int) -> None:
    """For whoever holds a link from one of the user's own mails. Raises `NotFound`, `Suspended`."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound()
    if user.suspended_at is not None:
        raise Suspended()
    await switch_mails(session, on=False, actor=user)


async def choose_language(session: AsyncSession, language: str, *, actor: Actor) -> None:
    """What mails to the actor are written in. Not an event: nobody else can tell."""
    await session.execute(update(User).where(User.id == actor.id).values(language=language))


async def change_password(
    database: Database, *, old: str, new: str, actor: CurrentUser, settings: Settings
) -> int:
    """Everywhere but here the user is logged out; in how many places that was.

    Raises `InvalidInput` for the fields `old` and `new`; `NotLoggedIn` where the session has ended
    in the meantime; `TooManyAttempts` for whoever guesses at the old one. Takes the database and
    not a session, as logging in does and for its reason.
    """
    limits = limits_of_password(actor.id, settings)
    await count_attempt(database, limits)
    async with database.reading() as session:
        verified = await session.scalar(select(User.password_hash).where(User.id == actor.id))
    if not await verify_password(old, verified):
        raise InvalidInput({"old": WrongPassword.template})
    try:
        ensure_acceptable(new, email=actor.email)
    except InvalidInput as error:
        raise InvalidInput({"new": error.fields["password"]}) from None
    password_hash = await hash_password(new)
    async with database.transaction() as session:
        user = await _lock_logged_in(session, actor)
        # It may have been changed elsewhere while this one was being hashed.
        if user.password_hash != verified:
            raise InvalidInput({"old": WrongPassword.template})
        user.password_hash = password_hash
        await take_back(session, limits)
        ended = await end_sessions(session, actor.id, but_for=actor.session_id)
        await record(
            session,
            "user.password_changed",
            actor_id=actor.id,
            user_id=actor.id,
            sessions_ended=ended,
        )
    return ended


async def end_session(session: AsyncSession, session_id: int, *, actor: CurrentUser) -> None:
    """Log the actor out in one place. Raises `NotFound` for anybody else's session."""
    if not 0 < session_id <= LARGEST_ID:
        raise NotFound()
    ended = await session.scalar(
        delete(UserSession)
        .where(UserSession.id == session_id, UserSession.user_id == actor.id)
        .returning(UserSession.id)
    )
    if ended is None:
        raise NotFound()
    await record(
        session, "user.session_ended", actor_id=actor.id, user_id=actor.id, sessions_ended=1
    )


async def end_other_sessions(session: AsyncSession, *, actor: CurrentUser) -> int:
    """Log the actor out everywhere but here; in how many places that was."""
    ended = await end_sessions(session, actor.id, but_for=actor.session_id)
    if ended:
        await record(
            session, "user.session_ended", actor_id=actor.id, user_id=actor.id, sessions_ended=ended
        )
    return ended


async def _lock_logged_in(session: AsyncSession, actor: CurrentUser) -> User:
    """The actor's row. The full lock makes log-ins under way wait, so that none is missed."""
    user = await session.scalar(
        select(User)
        .join(UserSession, UserSession.user_id == User.id)
        .where(UserSession.id == actor.session_id, User.id == actor.id)
        .with_for_update(of=User)
        .execution_options(populate_existing=True)
    )
    if user is None:
        raise NotLoggedIn()
    return user
