"""Another e-mail for an account: asked for with the password, confirmed by a link sent there."""

from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import EmailTaken, ResetExpired
from expenses.history import record
from expenses.i18n.text import N_
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.settings import Settings
from expenses.users.account import confirmed_by_password
from expenses.users.identity import email_identity
from expenses.users.models import email_change_table, password_reset_table, user_table
from expenses.users.policy import ensure_may_change_to
from expenses.users.queries import find_password
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.sessions import CurrentUser
from expenses.users.throttling import count_attempt, email_change_limits
from expenses.users.warnings import warn

# What the mails to the new address are called.
LINK_REQUESTED = "email.link_requested"
TAKEN = "email.taken"

LIFETIME = timedelta(minutes=30)


async def ask_for_change(
    database: Database, email: str, password: str | None, *, actor: CurrentUser, settings: Settings
) -> bool:
    """Mail a link to the new e-mail, or change it at once where no mails are sent.

    Returns whether it is changed; the same one again changes nothing. Raises `InvalidInput` for the
    fields `email` and `password`, `NotLoggedIn`, `TooManyAttempts` and, where no mails are sent,
    `EmailTaken`.
    """
    if email == actor.email:
        return True
    ensure_may_change_to(email, settings=settings)
    await count_attempt(database, email_change_limits(actor.id, email, settings))
    async with confirmed_by_password(
        database, password, actor=actor, settings=settings
    ) as connection:
        if settings.smtp_url is None:
            # Nothing can be confirmed then, as when somebody registers.
            await _change(connection, email, actor=actor)
            return True
        await _mail_link(connection, email, actor=actor)
        return False


async def find_change(connection: AsyncConnection, secret: str, *, actor: CurrentUser) -> str:
    """Return the new e-mail. Raises `ResetExpired`, also for a link of somebody else's."""
    email: str | None = await connection.scalar(
        select(email_change_table.c.email).where(
            email_change_table.c.secret_hash == hash_token(secret),
            email_change_table.c.user_id == actor.id,
            email_change_table.c.expires_at > func.now(),
        )
    )
    if email is None:
        raise ResetExpired()
    return email


async def confirm_change(connection: AsyncConnection, secret: str, *, actor: CurrentUser) -> str:
    """Change the e-mail, and make all links of the actor useless. Returns the new one.

    Raises `ResetExpired`, and `EmailTaken` where somebody has registered with it meanwhile.
    """
    email = await find_change(connection, secret, actor=actor)
    used = await connection.execute(
        delete(email_change_table).where(email_change_table.c.user_id == actor.id)
    )
    # Of two who use the link at once, the second waits, and finds it gone.
    if not used.rowcount:
        raise ResetExpired()
    await _change(connection, email, actor=actor)
    return email


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(email_change_table).where(email_change_table.c.expires_at < func.now())
    )


async def _mail_link(connection: AsyncConnection, email: str, *, actor: CurrentUser) -> None:
    """Tell the new address, by a link or that it has an account already, and the old one."""
    secret = new_token()
    # For a taken address, too, where nobody gets the link: nothing tells the two apart.
    await connection.execute(
        insert(email_change_table).values(
            secret_hash=hash_token(secret),
            user_id=actor.id,
            email=email,
            expires_at=func.now() + LIFETIME,
        )
    )
    event_id = await record(
        connection, "user.email_change_requested", actor_id=actor.id, user_id=actor.id
    )
    owner = await find_password(connection, email)
    if owner is None or owner.user_id == actor.id:
        action, subject = LINK_REQUESTED, Subject(actor.id, facts={"to": email, "secret": secret})
    else:
        action, subject = TAKEN, Subject(owner.user_id)
    await announce(connection, action, [subject], actor_id=None, by=[Channel.MAIL])
    # Named, or the note would go to the new address where it is sent late.
    await warn(
        connection,
        "user.email_change_requested",
        actor.id,
        event_id,
        to=actor.email,
        email=email,
    )


async def _change(connection: AsyncConnection, email: str, *, actor: CurrentUser) -> None:
    """Raises `EmailTaken`."""
    try:
        # The transaction goes on where this fails: the page still has to be read.
        async with connection.begin_nested():
            await connection.execute(
                update(user_table)
                .where(user_table.c.id == actor.id)
                .values(email=email, email_identity=email_identity(email))
            )
    except IntegrityError:
        raise EmailTaken(N_("Another account uses this e-mail.")) from None
    # A link for a new password is in the old mailbox.
    await connection.execute(
        delete(password_reset_table).where(password_reset_table.c.user_id == actor.id)
    )
    event_id = await record(
        connection,
        "user.email_changed",
        actor_id=actor.id,
        user_id=actor.id,
        before={"email": actor.email},
        after={"email": email},
    )
    await warn(connection, "user.email_changed", actor.id, event_id, to=actor.email, email=email)
