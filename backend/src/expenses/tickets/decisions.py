"""What employers do to tickets, one at a time or many: approve, deny, reopen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.errors import NotDecided, TicketChanged
from expenses.history import Event, record
from expenses.statements import Statement
from expenses.tickets.models import Ticket, TicketStatus
from expenses.tickets.policy import ensure_can_decide
from expenses.tickets.queries import TicketView, get_ticket, lock_ticket, views_of, visible_to
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
    owners = await _write_decisions(session, ticket_ids, status, reason, actor, seen_at)
    if owners:
        await session.execute(
            insert(Event),
            [_event(each, owners[each], status, reason, actor) for each in sorted(owners)],
        )
    others = [ticket_id for ticket_id in ticket_ids if ticket_id not in owners]
    left = await views_of(session, others, actor=actor)
    skipped = [Skipped(ticket, ticket.status is TicketStatus.PENDING) for ticket in left]
    return Outcome(sorted(owners), skipped)


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
    await record(
        session,
        "ticket.reopened",
        actor_id=actor.id,
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
        reason=reason,
        undone=ticket.status,
    )


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
    await record(
        session,
        f"ticket.{status}",
        actor_id=actor.id,
        ticket_id=ticket_id,
        owner_id=ticket.owner_id,
        reason=reason,
    )


async def _write_decisions(
    session: AsyncSession,
    ticket_ids: Sequence[int],
    status: TicketStatus,
    reason: str | None,
    actor: Actor,
    seen_at: datetime,
) -> dict[int, int]:
    """The decided tickets, with their owners.

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
        .returning(Ticket.id, Ticket.owner_id)
        .execution_options(synchronize_session=False)
    )
    return {row.id: row.owner_id for row in decided}


def _event(
    ticket_id: int, owner_id: int, status: TicketStatus, reason: str | None, actor: Actor
) -> dict[str, Any]:
    return {
        "action": f"ticket.{status}",
        "actor_id": actor.id,
        "ticket_id": ticket_id,
        "owner_id": owner_id,
        "details": {"reason": reason},
    }
