"""What an employer does to an employee, and up to when employees have seen what was decided."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.errors import AlreadySuspended, NotSuspended
from expenses.history import record
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.users.models import Actor, User
from expenses.users.policy import ensure_can_suspend
from expenses.users.queries import lock_employee
from expenses.users.sessions import end_sessions


async def suspend(
    session: AsyncSession, employee_id: int, *, actor: Actor, reason: str | None = None
) -> User:
    """From the commit on the employee has no session, cannot log in, and their tickets are hidden.

    Raises `AlreadySuspended`, `NotFound`, `Forbidden`.
    """
    ensure_can_suspend(actor)
    employee = await lock_employee(session, employee_id)
    if employee.suspended_at is not None:
        raise AlreadySuspended(username=employee.username)
    employee.suspended_at = datetime.now(UTC)
    ended = await end_sessions(session, employee.id)
    await _record(
        session, "user.suspended", employee, actor=actor, reason=reason, sessions_ended=ended
    )
    return employee


async def reactivate(
    session: AsyncSession, employee_id: int, *, actor: Actor, reason: str | None = None
) -> User:
    """Everything comes back as it was, except the sessions. Raises as `suspend` does."""
    ensure_can_suspend(actor)
    employee = await lock_employee(session, employee_id)
    if employee.suspended_at is None:
        raise NotSuspended(username=employee.username)
    employee.suspended_at = None
    await _record(session, "user.reactivated", employee, actor=actor, reason=reason)
    return employee


async def mark_decisions_seen(session: AsyncSession, until: datetime, *, actor: Actor) -> None:
    """`actor` has seen the decisions up to an instant, at the latest now; it never goes back.

    Not an event: it says nothing of a ticket or of an account, only where somebody has read to.
    """
    await session.execute(
        update(User)
        .where(
            User.id == actor.id,
            or_(User.decisions_seen_at.is_(None), User.decisions_seen_at < until),
        )
        .values(decisions_seen_at=func.least(until, func.now()))
    )


async def _record(
    session: AsyncSession, action: str, employee: User, *, actor: Actor, **details: Any
) -> None:
    """In the history, and for the company's other systems; the employee gets no mail of it."""
    event_id = await record(session, action, actor_id=actor.id, user_id=employee.id, **details)
    subject = Subject(employee.id, event_id)
    await announce(session, action, [subject], actor_id=actor.id, by=[Channel.WEBHOOK])
