"""Erasing who somebody was, after they left. What was decided and paid stays."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from sqlalchemy import delete, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import AlreadyErased, InvalidInput, NotFound, NotRegistered, NotSuspended
from expenses.history import record
from expenses.i18n.text import N_
from expenses.notifications.outbox import Channel, Subject, announce, message_table
from expenses.receipts.models import receipt_table
from expenses.tickets.models import saved_filter_table
from expenses.users import locks
from expenses.users.identity import email_identity
from expenses.users.models import (
    Actor,
    confirmation_table,
    invitation_table,
    pending_registration_table,
    user_table,
)
from expenses.users.own_data import personal_tables
from expenses.users.policy import ensure_can_suspend
from expenses.users.queries import UserView, find_password, users_by_id
from expenses.users.throttling import forget_attempts

ERASED = "user.erased"


async def erase(
    connection: AsyncConnection, user_id: int, *, typed_email: str, actor: Actor
) -> UserView:
    """Replace name and e-mail by "former employee 12", and delete what is theirs alone, for good.

    Raises `AlreadyErased`, `NotSuspended`, `NotFound`, `Forbidden`, and `InvalidInput` for the
    field `email`, which has to be typed once more.
    """
    ensure_can_suspend(actor)
    user = await _lock_former(connection, user_id)
    if email_identity(typed_email) != email_identity(user.email):
        raise InvalidInput({"email": N_("This is not their e-mail.")})
    return await _erase(connection, user, actor_id=actor.id)


async def erase_by_command(connection: AsyncConnection, email: str) -> UserView:
    """Erase somebody for whoever has access to the server.

    Raises `NotRegistered`, and otherwise as `erase` does.
    """
    found = await find_password(connection, email)
    if found is None:
        raise NotRegistered()
    user = await _lock_former(connection, found.user_id)
    return await _erase(connection, user, actor_id=user.id, by_command=True)


def ensure_can_be_erased(user: UserView) -> None:
    """Raises `AlreadyErased`, and `NotSuspended` for whoever still has access."""
    if user.erased_at is not None:
        raise AlreadyErased(username=user.username)
    if user.suspended_at is None:
        raise NotSuspended(username=user.username)


async def _lock_former(connection: AsyncConnection, user_id: int) -> UserView:
    """Looked for before as well: whoever has access is not locked, so that no two employers who
    try it with each other wait for each other.
    """
    ensure_possible(user_id)
    await _find_former(connection, user_id)
    await locks.take_alone(connection, user_id)
    return await _find_former(connection, user_id)


async def _find_former(connection: AsyncConnection, user_id: int) -> UserView:
    user = (await users_by_id(connection, [user_id])).get(user_id)
    if user is None:
        raise NotFound()
    ensure_can_be_erased(user)
    return user


async def _erase(
    connection: AsyncConnection, user: UserView, *, actor_id: int, **details: Any
) -> UserView:
    # First: a sharded database changes users before it has changed many shards, or not at all.
    await _replace_who_they_were(connection, user.id)
    await _delete_what_is_theirs(connection, user)
    await _delete_mentions(connection, user)
    event_id = await record(connection, ERASED, actor_id=actor_id, user_id=user.id, **details)
    subject = Subject(user.id, event_id)
    await announce(connection, ERASED, [subject], actor_id=actor_id, by=[Channel.WEBHOOK])
    return (await users_by_id(connection, [user.id]))[user.id]


async def _delete_what_is_theirs(connection: AsyncConnection, user: UserView) -> None:
    # In one statement, however many tables there are.
    theirs = [
        delete(table).where(table.c.user_id == user.id).cte(f"their_{table.name}")
        for table in personal_tables()
    ]
    await connection.execute(select(literal(True)).add_cte(*theirs))
    await connection.execute(
        delete(receipt_table).where(
            receipt_table.c.owner_id == user.id, receipt_table.c.ticket_id.is_(None)
        )
    )
    await forget_attempts(connection, user.id, user.email)


async def _delete_mentions(connection: AsyncConnection, user: UserView) -> None:
    """Delete what others have that names somebody, and what is under way to their e-mail."""
    to_them = or_(
        message_table.c.user_id == user.id,
        message_table.c.facts["to"].astext == user.email,
    )
    await connection.execute(
        delete(message_table).where(message_table.c.channel == Channel.MAIL, to_them)
    )
    for table in (pending_registration_table, confirmation_table, invitation_table):
        await connection.execute(
            delete(table).where(func.lower(table.c.email) == user.email.lower())
        )
    # Filters that employers have saved, of their tickets.
    query = "&" + saved_filter_table.c.query + "&"
    names = [quote_plus(name) for name in (user.email, user.username)]
    of_them = [query.icontains(f"&employee={name}&", autoescape=True) for name in names]
    await connection.execute(delete(saved_filter_table).where(or_(*of_them)))


async def _replace_who_they_were(connection: AsyncConnection, user_id: int) -> None:
    called = f"former employee {user_id}"
    await connection.execute(
        update(user_table)
        .where(user_table.c.id == user_id)
        .values(
            username=called,
            username_skeleton=None,
            # No address, so nobody can register or log in with it.
            email=called,
            email_identity=None,
            password_hash=None,
            language=None,
            decisions_seen_at=None,
            digest_on=None,
            erased_at=datetime.now(UTC),
        )
    )
    # The history is append-only, but for this function of the database.
    await connection.execute(select(func.forget_account_details(user_id)))
