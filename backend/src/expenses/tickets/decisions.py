"""What employers do to tickets, one at a time or many: approve, deny, reopen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.engine import after_commit
from expenses.database.statements import Statement
from expenses.errors import NotDecided, TicketChanged
from expenses.history import Event, record
from expenses.notifications.outbox import Subject, announce
from expenses.observability.metrics import DECISIONS
from expenses.tickets.models import Ticket, TicketStatus
from expenses.tickets.policy import ensure_can_decide
from expenses.tickets.queries import (
    LockedTicket,
    TicketView,
    get_ticket,
    lock_ticket,
    views_of,
    visible_to,
)
from expenses.tickets.refusals import not_decidable, with_ticket
from expenses.users.models import Actor

# Locked and written together. A larger batch would keep the others waiting for longer.
BATCH_SIZE = 200

_DECIDE = Statement(
    update(Ticket)
    .where(Ticket.id == bindparam("ticket"))
    .values(
        status=bindparam("to"),
        decided_by_id=bindparam("by"),
        decided_at=func.now(),
        decision_reason=bindparam("why"),
    )
)


@dataclass(frozen=True)
class Skipped:
    """A ticket that was left as it is. `was_changed`: it is pending, and not as it was seen."""

    ticket: TicketView
    was_changed: bool


@dataclass(frozen=True)
class Outcome:
    """What became of tickets that were decided together. Whatever is in neither list is hidden."""

    decided: list[int]
    skipped: list[Skipped]


async def approve_ticket(
    session: AsyncSession,
    ticket_id: int,
    *,
    actor: Actor,
    reason: str | None = None,
    seen_at: datetime | None = None,
) -> None:
    """Raises `AlreadyDecided` with who was first, when and why; `NotPending` once withdrawn.

    With `seen_at`, `TicketChanged` where the owner has edited it since then: nobody approves an
    amount that they have not seen.
    """
    await _decide(session, ticket_id, TicketStatus.APPROVED, reason, actor=actor, seen_at=seen_at)


async def deny_ticket(
    session: AsyncSession,
    ticket_id: int,
    *,
    actor: Actor,
    reason: str,
    seen_at: datetime | None = None,
) -> None:
    """Raises as `approve_ticket` does."""
    await _decide(session, ticket_id, TicketStatus.DENIED, reason, actor=actor, seen_at=seen_at)


async def decide_tickets(
    session: AsyncSession,
    ticket_ids: Sequence[int],
    status: TicketStatus,
    *,
    actor: Actor,
    reason: str | None,
    seen_at: datetime,
) -> Outcome:
    """Decide those that are still pending and as they were at `seen_at`; all in one transaction.

    `ticket_ids` are at most `BATCH_SIZE`.
    """
    ensure_can_decide(actor)
    decided = await _write_decisions(session, ticket_ids, status, reason, actor, seen_at)
    if decided:
        await _record_all(session, decided, status, reason, actor=actor)
    done = {ticket.id for ticket in decided}
    others = [ticket_id for ticket_id in ticket_ids if ticket_id not in done]
    left = await views_of(session, others, actor=actor)
    skipped = [Skipped(ticket, ticket.status is TicketStatus.PENDING) for ticket in left]
    return Outcome(sorted(done), skipped)


async def reopen_ticket(
    session: AsyncSession, ticket_id: int, *, actor: Actor, reason: str
) -> None:
    """Undo a decision: the ticket is pending again. Raises `NotDecided`."""
    ensure_can_decide(actor)
    ticket = await lock_ticket(session, ticket_id, actor=actor)
    if ticket.status not in (TicketStatus.APPROVED, TicketStatus.DENIED):
        view = await get_ticket(session, ticket_id, actor=actor)
        raise with_ticket(NotDecided(id=ticket_id, status=view.status), view)
    await session.execute(
        update(Ticket)
        .where(Ticket.id == ticket_id)
        .values(
            status=TicketStatus.PENDING,
            decided_by_id=None,
            decided_at=None,
            decision_reason=None,
        )
    )
    undone = ticket.status
    await _record(session, "ticket.reopened", ticket, actor=actor, reason=reason, undone=undone)


async def _decide(
    session: AsyncSession,
    ticket_id: int,
    status: TicketStatus,
    reason: str | None,
    *,
    actor: Actor,
    seen_at: datetime | None,
) -> None:
    ensure_can_decide(actor)
    ticket = await lock_ticket(session, ticket_id, actor=actor)
    if ticket.status is not TicketStatus.PENDING:
        raise not_decidable(await get_ticket(session, ticket_id, actor=actor))
    if seen_at is not None and ticket.updated_at > seen_at:
        view = await get_ticket(session, ticket_id, actor=actor)
        raise with_ticket(TicketChanged(id=ticket_id), view)
    await _DECIDE.rows(session, ticket=ticket_id, to=status, by=actor.id, why=reason)
    await _record(session, f"ticket.{status}", ticket, actor=actor, reason=reason)


async def _write_decisions(
    session: AsyncSession,
    ticket_ids: Sequence[int],
    status: TicketStatus,
    reason: str | None,
    actor: Actor,
    seen_at: datetime,
) -> list[LockedTicket]:
    """What could be decided, in the order of the ids.

    Not locked by a SELECT before: a sharded database locks rows of one shard only. The index is
    walked in the order of the ids, so that two who decide overlapping tickets wait for each other
    and not in a circle.
    """
    decided = await session.execute(
        update(Ticket)
        .where(
            visible_to(actor),
            Ticket.id.in_(sorted(ticket_ids)),
            Ticket.status == TicketStatus.PENDING,
            Ticket.updated_at <= seen_at,
        )
        .values(
            status=status,
            decided_by_id=actor.id,
            decided_at=func.now(),
            decision_reason=reason,
        )
        .returning(*(getattr(Ticket, name) for name in LockedTicket._fields))
        .execution_options(synchronize_session=False)
    )
    return sorted(map(LockedTicket._make, decided))


async def _record(
    session: AsyncSession,
    action: str,
    ticket: LockedTicket,
    *,
    actor: Actor,
    reason: str | None,
    **details: Any,
) -> None:
    """In the history, and for the owner and the company's other systems."""
    event_id = await record(
        session,
        action,
        actor_id=actor.id,
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
        reason=reason,
        **details,
    )
    await announce(session, action, [_subject(ticket, event_id, reason)], actor_id=actor.id)
    _count(session, action, 1)


async def _record_all(
    session: AsyncSession,
    tickets: Sequence[LockedTicket],
    status: TicketStatus,
    reason: str | None,
    *,
    actor: Actor,
) -> None:
    """As `_record`, in as many statements as for one."""
    written = await session.execute(
        insert(Event).returning(Event.ticket_id, Event.id),
        [_event(ticket, status, reason, actor) for ticket in tickets],
    )
    event_ids = {row.ticket_id: row.id for row in written}
    subjects = [_subject(ticket, event_ids[ticket.id], reason) for ticket in tickets]
    await announce(session, f"ticket.{status}", subjects, actor_id=actor.id)
    _count(session, f"ticket.{status}", len(tickets))


def _count(session: AsyncSession, action: str, number: int) -> None:
    counter = DECISIONS.labels(action.removeprefix("ticket."))
    after_commit(session, lambda: counter.inc(number))


def _subject(ticket: LockedTicket, event_id: int, reason: str | None) -> Subject:
    """As it was decided: reopened, it may be edited before anybody is told."""
    facts = {
        "amount": str(ticket.amount),
        "currency": ticket.currency,
        "description": ticket.description,
        "reason": reason,
    }
    return Subject(ticket.owner_id, event_id, ticket.id, facts)


def _event(
    ticket: LockedTicket, status: TicketStatus, reason: str | None, actor: Actor
) -> dict[str, Any]:
    return {
        "action": f"ticket.{status}",
        "actor_id": actor.id,
        "ticket_id": ticket.id,
        "owner_id": ticket.owner_id,
        "details": {"reason": reason},
    }
