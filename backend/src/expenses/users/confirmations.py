"""Registering where e-mails are confirmed first: by a link that is mailed and works once."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import ConfirmationExpired
from expenses.i18n.languages import current_language
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.settings import Settings
from expenses.users.models import Role, confirmation_table
from expenses.users.policy import ensure_may_register
from expenses.users.queries import UserView
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.registration import register

# What the mail with the link is called.
CONFIRMATION_SENT = "confirmation.sent"

LIFETIME = timedelta(minutes=30)


async def send_confirmation(connection: AsyncConnection, email: str, *, settings: Settings) -> None:
    """Mail a link by which its reader goes on registering. Raises `RegistrationClosed`."""
    ensure_may_register(email, settings=settings)
    secret = new_token()
    await connection.execute(
        insert(confirmation_table).values(
            secret_hash=hash_token(secret), email=email, expires_at=func.now() + LIFETIME
        )
    )
    facts = {"to": email, "language": current_language(), "secret": secret}
    await announce(
        connection,
        CONFIRMATION_SENT,
        [Subject(None, facts=facts)],
        actor_id=None,
        by=[Channel.MAIL],
    )


async def find_confirmation(connection: AsyncConnection, secret: str) -> str:
    """Return the e-mail that a link confirms. Raises `ConfirmationExpired`."""
    email: str | None = await connection.scalar(
        select(confirmation_table.c.email).where(
            confirmation_table.c.secret_hash == hash_token(secret),
            confirmation_table.c.expires_at > func.now(),
        )
    )
    if email is None:
        raise ConfirmationExpired()
    return email


async def register_confirmed(
    connection: AsyncConnection,
    secret: str,
    *,
    password_hash: str,
    username: str,
    role: Role,
    employer_code: str | None,
    settings: Settings,
) -> UserView:
    """Register by a link. Raises `ConfirmationExpired`, and as `register`."""
    email = await find_confirmation(connection, secret)
    ensure_may_register(email, settings=settings)
    user = await register(
        connection,
        email=email,
        password_hash=password_hash,
        username=username,
        role=role,
        employer_code=employer_code,
        settings=settings,
    )
    await connection.execute(delete(confirmation_table).where(confirmation_table.c.email == email))
    return user


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(confirmation_table).where(confirmation_table.c.expires_at < func.now())
    )
