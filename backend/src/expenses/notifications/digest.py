"""The daily digest: what is waiting for a decision, for each employer who wants mails."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.notifications.outbox import Channel, Subject, announce
from expenses.tickets.counts import totals
from expenses.tickets.filters import TicketFilter
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import visible_to
from expenses.users.models import Actor, Role, user_table
from expenses.users.queries import VIEW, UserView

ACTION = "digest"
# Hour of the company's day from which the digest is sent.
HOUR = 8


async def write_digests(connection: AsyncConnection, *, at: datetime) -> int:
    """Write a digest for each employer who has had none today, and return how many.

    `at` is the company's local time. The day is stored with the employer even if nothing is
    waiting; of two processes at once, the second finds it stored and writes nothing.
    """
    if at.hour < HOUR:
        return 0
    employers = await _take_due(connection, at)
    if not employers:
        return 0
    waiting = await _waiting(connection, actor=employers[0])
    if waiting is None:
        return 0
    subjects = [Subject(employer.id, facts=waiting) for employer in employers]
    await announce(connection, ACTION, subjects, actor_id=None, by=[Channel.MAIL])
    return len(subjects)


async def _take_due(connection: AsyncConnection, at: datetime) -> list[UserView]:
    taken = await connection.execute(
        update(user_table)
        .where(
            user_table.c.role == Role.EMPLOYER,
            user_table.c.suspended_at.is_(None),
            user_table.c.gets_mails,
            or_(user_table.c.digest_on.is_(None), user_table.c.digest_on < at.date()),
        )
        .values(digest_on=at.date())
        .returning(*VIEW)
    )
    return [UserView._make(row) for row in taken]


async def _waiting(connection: AsyncConnection, *, actor: Actor) -> dict[str, Any] | None:
    """Return the number, sums and oldest of the pending tickets; None where there are none."""
    pending = await totals(
        connection, actor=actor, matching=TicketFilter(status=TicketStatus.PENDING)
    )
    if not pending.count.number:
        return None
    oldest = await connection.scalar(
        select(ticket_table.c.created_at)
        .where(visible_to(actor), ticket_table.c.status == TicketStatus.PENDING)
        .order_by(ticket_table.c.id)
        .limit(1)
    )
    assert oldest is not None
    return {
        "number": pending.count.number,
        "is_capped": pending.count.is_capped,
        "amounts": {currency: str(amount) for currency, amount in pending.amounts.items()},
        "oldest": oldest.isoformat(),
    }
