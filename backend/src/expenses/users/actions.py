"""Suspending and reactivating employees, and marking decisions as seen."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import AlreadyErased, AlreadySuspended, NotSuspended, NotUndone
from expenses.history import record
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.payments.lines import lock_runs_of, release_all_of
from expenses.tickets.hidden import tickets_to_hide
from expenses.users.models import Actor, email_change_table, password_reset_table, user_table
from expenses.users.policy import ensure_can_suspend
from expenses.users.queries import UserView, has_just_suspended, lock_employee
from expenses.users.sessions import end_sessions
from expenses.users.tokens import revoke_all


async def suspend(
    connection: AsyncConnection, employee_id: int, *, actor: Actor, reason: str | None = None
) -> UserView:
    """End an employee's sessions and tokens, keep them from logging in, and hide their tickets.

    Raises `AlreadySuspended`, `NotFound`, `Forbidden`.
    """
    ensure_can_suspend(actor)
    await lock_runs_of(connection, employee_id)
    employee = await lock_employee(connection, employee_id)
    if employee.suspended_at is not None:
        raise AlreadySuspended(username=employee.username)
    return await end_access(connection, "user.suspended", employee, actor=actor, reason=reason)


async def reactivate(
    connection: AsyncConnection, employee_id: int, *, actor: Actor, reason: str | None = None
) -> UserView:
    """Let an employee log in again and show their tickets.

    Raises `NotSuspended`, `AlreadyErased`, `NotFound`, `Forbidden`.
    """
    employee = await _lock_suspended(connection, employee_id, actor=actor)
    return await _reactivate(connection, employee, reason, actor=actor)


async def undo_suspension(
    connection: AsyncConnection, employee_id: int, *, actor: Actor
) -> UserView:
    """Take back the actor's own suspension of the last minutes.

    Raises `NotUndone` where another employer has acted since or it is older, and as `reactivate`.
    """
    employee = await _lock_suspended(connection, employee_id, actor=actor)
    if not await has_just_suspended(connection, employee_id, actor=actor):
        raise NotUndone(username=employee.username)
    return await _reactivate(connection, employee, None, actor=actor)


async def mark_decisions_seen(
    connection: AsyncConnection, until: datetime, *, actor: Actor
) -> None:
    """Note that `actor` has seen the decisions up to an instant; it never goes back.

    Not an event: it says nothing about a ticket or an account.
    """
    await connection.execute(
        update(user_table)
        .where(
            user_table.c.id == actor.id,
            or_(user_table.c.decisions_seen_at.is_(None), user_table.c.decisions_seen_at < until),
        )
        .values(decisions_seen_at=func.least(until, func.now()))
    )


async def _lock_suspended(
    connection: AsyncConnection, employee_id: int, *, actor: Actor
) -> UserView:
    ensure_can_suspend(actor)
    employee = await lock_employee(connection, employee_id)
    if employee.erased_at is not None:
        raise AlreadyErased(username=employee.username)
    if employee.suspended_at is None:
        raise NotSuspended(username=employee.username)
    return employee


async def end_access(
    connection: AsyncConnection, action: str, user: UserView, *, actor: Actor, **details: Any
) -> UserView:
    """Log a user out for good and hide their tickets. The user and their runs are locked."""
    suspended_at = datetime.now(UTC)
    await _set_suspended(connection, user.id, suspended_at)
    ended = await end_sessions(connection, user.id)
    revoked = await revoke_all(connection, user.id)
    # Whoever asked for them may be why the user is kept out.
    await delete_links(connection, user.id)
    runs = await release_all_of(connection, user.id, actor=actor)
    hidden = await tickets_to_hide(connection, user.id)
    await record_change(
        connection,
        action,
        user,
        actor=actor,
        **details,
        sessions_ended=ended,
        **revoked,
        **{"taken_out_of_payment_runs": runs} if runs else {},
        **{"hidden": hidden} if hidden else {},
    )
    return user._replace(suspended_at=suspended_at)


async def delete_links(connection: AsyncConnection, user_id: int) -> None:
    """Make the links for a new password and a new e-mail useless."""
    for links in (password_reset_table, email_change_table):
        await connection.execute(delete(links).where(links.c.user_id == user_id))


async def restore_access(
    connection: AsyncConnection, action: str, user: UserView, *, actor: Actor, **details: Any
) -> UserView:
    await _set_suspended(connection, user.id, None)
    await record_change(connection, action, user, actor=actor, **details)
    return user._replace(suspended_at=None)


async def record_change(
    connection: AsyncConnection, action: str, user: UserView, *, actor: Actor, **details: Any
) -> None:
    """Write the event and the message to the company's other systems; the user gets no mail."""
    event_id = await record(connection, action, actor_id=actor.id, user_id=user.id, **details)
    subject = Subject(user.id, event_id)
    await announce(connection, action, [subject], actor_id=actor.id, by=[Channel.WEBHOOK])


async def _reactivate(
    connection: AsyncConnection, employee: UserView, reason: str | None, *, actor: Actor
) -> UserView:
    return await restore_access(
        connection, "user.reactivated", employee, actor=actor, reason=reason
    )


async def _set_suspended(
    connection: AsyncConnection, user_id: int, suspended_at: datetime | None
) -> None:
    await connection.execute(
        update(user_table).where(user_table.c.id == user_id).values(suspended_at=suspended_at)
    )
