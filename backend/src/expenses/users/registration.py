"""How an unknown e-mail becomes a user: at once through the API, in two pages in a browser."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.errors import EmailTaken, RegistrationExpired
from expenses.history import record
from expenses.settings import Settings
from expenses.users.models import PendingRegistration, Role, User
from expenses.users.policy import ensure_may_register_as
from expenses.users.sessions import hash_token, new_token

PATIENCE = timedelta(minutes=15)


async def register(
    session: AsyncSession,
    *,
    email: str,
    password_hash: str,
    username: str,
    role: Role,
    employer_code: str | None,
    settings: Settings,
) -> User:
    """The new user is the actor of their own registration.

    Raises `EmailTaken`, also for the slower of two who register one e-mail at the same moment.
    """
    ensure_may_register_as(role, employer_code=employer_code, settings=settings)
    user: User | None = await session.scalar(
        insert(User)
        .values(email=email, username=username, role=role, password_hash=password_hash)
        .on_conflict_do_nothing()
        .returning(User)
    )
    if user is None:
        raise EmailTaken()
    await record(session, "user.registered", actor_id=user.id, user_id=user.id, role=role)
    return user


async def begin_registration(session: AsyncSession, *, email: str, password_hash: str) -> str:
    """Keep them aside for 15 minutes. Returns the token that finds them again."""
    token = new_token()
    session.add(
        PendingRegistration(
            token_hash=hash_token(token),
            email=email,
            password_hash=password_hash,
            expires_at=datetime.now(UTC) + PATIENCE,
        )
    )
    await session.flush()
    return token


async def pending_registration(session: AsyncSession, token: str | None) -> PendingRegistration:
    """Raises `RegistrationExpired` when there is none, or none any more."""
    pending = await session.scalar(
        select(PendingRegistration).where(
            PendingRegistration.token_hash == hash_token(token or ""),
            PendingRegistration.expires_at > func.now(),
        )
    )
    if pending is None:
        raise RegistrationExpired()
    return pending


async def complete_registration(
    session: AsyncSession,
    token: str | None,
    *,
    username: str,
    role: Role,
    employer_code: str | None,
    settings: Settings,
) -> User:
    """Raises `RegistrationExpired`, `EmailTaken`, `InvalidInput` for a wrong employer code."""
    pending = await pending_registration(session, token)
    user = await register(
        session,
        email=pending.email,
        password_hash=pending.password_hash,
        username=username,
        role=role,
        employer_code=employer_code,
        settings=settings,
    )
    await session.delete(pending)
    await session.flush()
    return user


async def delete_expired(session: AsyncSession) -> None:
    await session.execute(
        delete(PendingRegistration).where(PendingRegistration.expires_at < func.now())
    )
