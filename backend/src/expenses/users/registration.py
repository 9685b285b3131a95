"""How an unknown e-mail becomes a user: in one step through the API, in two in a browser."""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import EmailTaken, RegistrationExpired, UsernameTaken
from expenses.history import record
from expenses.settings import Settings
from expenses.users.identity import email_identity, username_skeleton
from expenses.users.invitation_queries import invited_role
from expenses.users.models import (
    Role,
    invitation_table,
    pending_registration_table,
    user_table,
)
from expenses.users.policy import (
    ensure_may_register,
    ensure_may_register_as,
    ensure_takes_passwords,
)
from expenses.users.queries import VIEW, UserView, find_password
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.single_sign_on import Identity, link

TIME_TO_REGISTER = timedelta(minutes=15)

# A domain is suggested once so many of the latest users have it, and what is typed is so similar.
USERS_OF_A_KNOWN_DOMAIN = 3
LATEST_USERS = 1000
MIN_SIMILARITY = 0.85


class Pending(NamedTuple):
    """A registration under way; name and role are what single sign-on has said."""

    email: str
    username: str | None
    role: Role | None


async def register(
    connection: AsyncConnection,
    *,
    email: str,
    password_hash: str | None,
    username: str,
    role: Role,
    employer_code: str | None,
    settings: Settings,
    identity: Identity | None = None,
) -> UserView:
    """Register a user, who is the actor of their own registration.

    They have a password, or an identity of single sign-on. Raises `EmailTaken`, also for the slower
    of two who register one e-mail at the same moment, `UsernameTaken`, `PasswordsOff`, and
    `RegistrationClosed`.
    """
    if identity is None:
        ensure_takes_passwords(settings)
    else:
        await _admit(connection, identity, settings)
    if identity is None or identity.role is None:
        ensure_may_register_as(role, employer_code=employer_code, settings=settings)
    details = {} if identity is None else {"issuer": identity.issuer}
    user = await add_user(
        connection,
        email=email,
        password_hash=password_hash,
        username=username,
        role=role,
        **details,
    )
    if identity is not None:
        await link(connection, user.id, identity, settings)
    return user


async def add_user(
    connection: AsyncConnection,
    *,
    email: str,
    password_hash: str | None,
    username: str,
    role: Role,
    **details: Any,
) -> UserView:
    """Register somebody who may have this role; `details` are for the history.

    Raises `EmailTaken` and `UsernameTaken`.
    """
    inserted = await connection.execute(
        insert(user_table)
        .values(
            email=email,
            email_identity=email_identity(email),
            username=username,
            username_skeleton=username_skeleton(username),
            role=role,
            password_hash=password_hash,
        )
        .on_conflict_do_nothing()
        .returning(*VIEW)
    )
    row = inserted.first()
    if row is None:
        if await find_password(connection, email) is not None:
            raise EmailTaken()
        raise UsernameTaken()
    user = UserView._make(row)
    # Nobody has to be invited who is here.
    await connection.execute(
        delete(invitation_table).where(invitation_table.c.email_identity == email_identity(email))
    )
    await record(
        connection, "user.registered", actor_id=user.id, user_id=user.id, role=role, **details
    )
    return user


async def begin_registration(connection: AsyncConnection, *, email: str, password_hash: str) -> str:
    """Keep e-mail and hash for 15 minutes, and return the token that finds them again."""
    return await _begin(connection, email=email, password_hash=password_hash)


async def begin_with_identity(
    connection: AsyncConnection, identity: Identity, settings: Settings
) -> str:
    """Keep an identity of single sign-on for 15 minutes, and return the token that finds it.

    Raises `RegistrationClosed`.
    """
    admitted = await _admit(connection, identity, settings)
    return await _begin(connection, **admitted._asdict())


async def _admit(connection: AsyncConnection, identity: Identity, settings: Settings) -> Identity:
    """Add the role of an invitation where the issuer says none. Raises `RegistrationClosed`."""
    role = await invited_role(connection, identity.email)
    if role is None:
        ensure_may_register(identity.email, settings=settings)
    return identity._replace(role=identity.role or role)


async def _begin(connection: AsyncConnection, **values: str | None) -> str:
    token = new_token()
    await connection.execute(
        insert(pending_registration_table).values(
            token_hash=hash_token(token),
            expires_at=datetime.now(UTC) + TIME_TO_REGISTER,
            **values,
        )
    )
    return token


async def suggest_email(connection: AsyncConnection, email: str) -> str | None:
    """Suggest the same address at a known domain, where its own looks like a slip of the keys.

    Only domains of several users are known, so that nobody learns of a single one's address.
    """
    name, _, domain = email.rpartition("@")
    latest = (
        select(func.split_part(func.lower(user_table.c.email), "@", 2).label("domain"))
        .order_by(user_table.c.id.desc())
        .limit(LATEST_USERS)
        .subquery()
    )
    known = await connection.scalars(
        select(latest.c.domain)
        .group_by(latest.c.domain)
        .having(func.count() >= USERS_OF_A_KNOWN_DOMAIN)
    )
    [closest] = get_close_matches(domain, known.all(), n=1, cutoff=MIN_SIMILARITY) or [None]
    return None if closest in (None, domain) else f"{name}@{closest}"


async def find_pending(connection: AsyncConnection, token: str | None) -> Pending:
    """Find a registration under way. Raises `RegistrationExpired`."""
    columns = (pending_registration_table.c[name] for name in Pending._fields)
    row = (await connection.execute(select(*columns).where(*_is_pending(token)))).first()
    if row is None:
        raise RegistrationExpired()
    return Pending._make(row)


async def complete_registration(
    connection: AsyncConnection,
    token: str | None,
    *,
    username: str,
    role: Role,
    employer_code: str | None,
    settings: Settings,
) -> UserView:
    """Raises `RegistrationExpired`, `EmailTaken`, `UsernameTaken`, and `InvalidInput` for a wrong
    employer code.
    """
    query = select(pending_registration_table).where(*_is_pending(token))
    pending = (await connection.execute(query)).first()
    if pending is None:
        raise RegistrationExpired()
    identity = None
    if pending.issuer is not None:
        identity = Identity._make(getattr(pending, name) for name in Identity._fields)
    user = await register(
        connection,
        email=pending.email,
        password_hash=pending.password_hash,
        username=username,
        role=pending.role or role,
        employer_code=employer_code,
        settings=settings,
        identity=identity,
    )
    await connection.execute(delete(pending_registration_table).where(*_is_pending(token)))
    return user


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(pending_registration_table).where(
            pending_registration_table.c.expires_at < func.now()
        )
    )


def _is_pending(token: str | None) -> tuple[ColumnElement[bool], ...]:
    return (
        pending_registration_table.c.token_hash == hash_token(token or ""),
        pending_registration_table.c.expires_at > func.now(),
    )
