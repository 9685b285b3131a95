"""Erasing who somebody was, after they left. What was decided and paid stays."""

from datetime import UTC, datetime
from urllib.parse import quote_plus

from sqlalchemy import delete, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import AlreadyErased, InvalidInput, NotFound, NotSuspended
from expenses.history import record
from expenses.i18n.text import N_
from expenses.notifications.outbox import Channel, Subject, announce, message_table
from expenses.receipts.models import receipt_table
from expenses.tickets.models import saved_filter_table
from expenses.users.identity import email_identity
from expenses.users.models import Actor, invitation_table, pending_registration_table, user_table
from expenses.users.own_data import personal_tables
from expenses.users.policy import ensure_can_suspend
from expenses.users.queries import UserView, find_password, lock_employee, users_by_id
from expenses.users.throttling import forget_attempts

ERASED = "user.erased"


async def erase(
    connection: AsyncConnection, employee_id: int, *, typed_email: str, actor: Actor
) -> UserView:
    """Replace name and e-mail by "former employee 12", and delete what is theirs alone, for good.

    Raises `AlreadyErased`, `NotSuspended`, `NotFound`, `Forbidden`, and `InvalidInput` for the
    field `email`, which has to be typed once more.
    """
    ensure_can_suspend(actor)
    employee = await lock_employee(connection, employee_id)
    ensure_can_be_erased(employee)
    if email_identity(typed_email) != email_identity(employee.email):
        raise InvalidInput({"email": N_("This is not the e-mail of this employee.")})
    return await _erase(connection, employee, actor_id=actor.id)


async def erase_by_email(connection: AsyncConnection, email: str) -> UserView:
    """Erase an employee for whoever has access to the server. Raises as `erase` does."""
    found = await find_password(connection, email)
    if found is None:
        raise NotFound()
    employee = await lock_employee(connection, found.user_id)
    ensure_can_be_erased(employee)
    return await _erase(connection, employee, actor_id=employee.id)


def ensure_can_be_erased(employee: UserView) -> None:
    """Raises `AlreadyErased`, and `NotSuspended` for whoever still has access."""
    if employee.erased_at is not None:
        raise AlreadyErased(username=employee.username)
    if employee.suspended_at is None:
        raise NotSuspended(username=employee.username)


async def _erase(connection: AsyncConnection, employee: UserView, *, actor_id: int) -> UserView:
    await _delete_what_is_theirs(connection, employee)
    await _delete_mentions(connection, employee)
    await _replace_who_they_were(connection, employee.id)
    event_id = await record(connection, ERASED, actor_id=actor_id, user_id=employee.id)
    subject = Subject(employee.id, event_id)
    await announce(connection, ERASED, [subject], actor_id=actor_id, by=[Channel.WEBHOOK])
    return (await users_by_id(connection, [employee.id]))[employee.id]


async def _delete_what_is_theirs(connection: AsyncConnection, employee: UserView) -> None:
    # In one statement, however many tables there are.
    theirs = [
        delete(table).where(table.c.user_id == employee.id).cte(f"their_{table.name}")
        for table in personal_tables()
    ]
    await connection.execute(select(literal(True)).add_cte(*theirs))
    await connection.execute(
        delete(receipt_table).where(
            receipt_table.c.owner_id == employee.id, receipt_table.c.ticket_id.is_(None)
        )
    )
    await forget_attempts(connection, employee.id, employee.email)


async def _delete_mentions(connection: AsyncConnection, employee: UserView) -> None:
    """Delete what others have that names the employee, and what is under way to their e-mail."""
    to_them = or_(
        message_table.c.user_id == employee.id,
        message_table.c.facts["to"].astext == employee.email,
    )
    await connection.execute(
        delete(message_table).where(message_table.c.channel == Channel.MAIL, to_them)
    )
    for table in (pending_registration_table, invitation_table):
        await connection.execute(
            delete(table).where(func.lower(table.c.email) == employee.email.lower())
        )
    # Filters that employers have saved, of this employee's tickets.
    query = "&" + saved_filter_table.c.query + "&"
    names = [quote_plus(name) for name in (employee.email, employee.username)]
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
            erased_at=datetime.now(UTC),
        )
    )
    # The history is append-only, but for this function of the database.
    await connection.execute(select(func.forget_account_details(user_id)))
