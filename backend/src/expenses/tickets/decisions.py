"""What employers do to tickets, one at a time or many: approve, deny, reopen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ARRAY, BigInteger, DateTime, Executable, Text, any_, bindparam, func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import ExpensesError, NotDecided, NotFound, OwnTicket, TicketChanged
from expenses.history import UNDO_PERIOD
from expenses.payments.lines import fixed, lock_runs_with, release, release_many
from expenses.tickets.decision_events import record_decisions
from expenses.tickets.filters import is_one_of
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.policy import (
    ensure_can_decide,
    ensure_not_own,
    not_decidable,
    with_ticket,
)
from expenses.tickets.queries import (
    LOCKED,
    BoundActor,
    LockedTicket,
    TicketView,
    get_ticket,
    lock_ticket,
    views_of,
    visible_to,
)
from expenses.users.models import Actor, Role

# Locked and written together. A larger batch would keep the others waiting for longer.
BATCH_SIZE = 200

# For a decision that does not depend on what was seen: no ticket was edited later than this.
_AS_IT_IS = datetime.max.replace(tzinfo=UTC)

_UNDECIDED = {
    "status": TicketStatus.PENDING,
    "decided_by_id": None,
    "decided_at": None,
    "decision_reason": None,
}


@dataclass(frozen=True)
class Skipped:
    """A ticket that was not decided; `was_changed` if it is pending but was edited meanwhile."""

    ticket: TicketView
    was_changed: bool = False
    is_own: bool = False


@dataclass(frozen=True)
class Outcome:
    """The result of deciding many tickets; ids in neither list are hidden from the actor."""

    decided: list[int]
    skipped: list[Skipped]


async def approve_ticket(
    connection: AsyncConnection,
    ticket_id: int,
    *,
    actor: Actor,
    reason: str | None = None,
    seen_at: datetime | None = None,
) -> None:
    """Raises `AlreadyDecided` with who was first, when and why, `NotPending` once withdrawn, and
    `OwnTicket`.

    With `seen_at`, raises `TicketChanged` where the owner has edited it since: nobody approves an
    amount they have not seen.
    """
    await _decide(
        connection, ticket_id, TicketStatus.APPROVED, reason, actor=actor, seen_at=seen_at
    )


async def deny_ticket(
    connection: AsyncConnection,
    ticket_id: int,
    *,
    actor: Actor,
    reason: str,
    seen_at: datetime | None = None,
) -> None:
    """Raises as `approve_ticket` does."""
    await _decide(connection, ticket_id, TicketStatus.DENIED, reason, actor=actor, seen_at=seen_at)


async def decide_tickets(
    connection: AsyncConnection,
    seen: Mapping[int, datetime],
    status: TicketStatus,
    *,
    actor: Actor,
    reason: str | None,
) -> Outcome:
    """Decide the tickets that are still pending and as they were seen, all in one transaction.

    `seen` says for each id when the actor saw the ticket, or the `updated_at` that they saw; takes
    at most `BATCH_SIZE` of them.
    """
    ensure_can_decide(actor)
    decided = await _update_pending(connection, seen, status, reason, actor)
    if decided:
        await record_decisions(connection, decided, f"ticket.{status}", reason, actor=actor)
    done = {ticket.id for ticket in decided}
    others = [ticket_id for ticket_id in seen if ticket_id not in done]
    left = await views_of(connection, others, actor=actor)
    return Outcome(sorted(done), [_skipped(ticket, actor) for ticket in left])


async def reopen_ticket(
    connection: AsyncConnection, ticket_id: int, *, actor: Actor, reason: str
) -> None:
    """Undo a decision, so that the ticket is pending again.

    Raises `OwnTicket`, `NotDecided`, and `InPaymentRun` once its payment is confirmed.
    """
    ensure_can_decide(actor)
    await lock_runs_with(connection, [ticket_id])
    ticket = await lock_ticket(connection, ticket_id, actor=actor)
    ensure_not_own(actor, ticket)
    if ticket.status not in (TicketStatus.APPROVED, TicketStatus.DENIED):
        view = await get_ticket(connection, ticket_id, actor=actor)
        raise with_ticket(NotDecided(id=ticket_id, status=view.status), view)
    await release(connection, ticket_id, actor=actor)
    await connection.execute(
        update(ticket_table).where(ticket_table.c.id == ticket_id).values(**_UNDECIDED)
    )
    undone = ticket.status
    await record_decisions(
        connection, [ticket], "ticket.reopened", reason, actor=actor, undone=undone
    )


async def undo_decisions(
    connection: AsyncConnection, ticket_ids: Sequence[int], *, actor: Actor
) -> list[int]:
    """Take back the actor's own decisions of the last minutes, and return which were.

    Left as they are: tickets that another employer has decided or reopened since, and decisions
    older than `UNDO_PERIOD`, which take a reason to reopen. So are those whose payment is
    confirmed.
    """
    ensure_can_decide(actor)
    await lock_runs_with(connection, ticket_ids)
    undone: list[int] = []
    for status in (TicketStatus.APPROVED, TicketStatus.DENIED):
        rows = await connection.execute(
            update(ticket_table)
            .where(
                visible_to(actor),
                is_one_of(ticket_table.c.id, sorted(ticket_ids)),
                ticket_table.c.status == status,
                ticket_table.c.decided_by_id == actor.id,
                ticket_table.c.decided_at > func.now() - UNDO_PERIOD,
                ticket_table.c.id.not_in(fixed(ticket_ids)),
            )
            .values(**_UNDECIDED)
            .returning(*LOCKED)
        )
        tickets = sorted(map(LockedTicket._make, rows))
        if tickets:
            await record_decisions(
                connection, tickets, "ticket.reopened", None, actor=actor, undone=status
            )
        undone += [ticket.id for ticket in tickets]
    await release_many(connection, undone, actor=actor)
    return sorted(undone)


def _skipped(ticket: TicketView, actor: Actor) -> Skipped:
    is_pending = ticket.status is TicketStatus.PENDING
    is_own = is_pending and ticket.owner_id == actor.id
    return Skipped(ticket, was_changed=is_pending and not is_own, is_own=is_own)


async def _decide(
    connection: AsyncConnection,
    ticket_id: int,
    status: TicketStatus,
    reason: str | None,
    *,
    actor: Actor,
    seen_at: datetime | None,
) -> None:
    ensure_possible(ticket_id)
    seen = {ticket_id: seen_at or _AS_IT_IS}
    outcome = await decide_tickets(connection, seen, status, actor=actor, reason=reason)
    if not outcome.decided:
        raise _refusal(outcome.skipped, actor)


def _refusal(skipped: Sequence[Skipped], actor: Actor) -> ExpensesError:
    """Say why the only ticket was not decided; none was skipped where the actor sees none."""
    if not skipped:
        return NotFound()
    ticket = skipped[0].ticket
    if ticket.owner_id == actor.id:
        return OwnTicket()
    if ticket.status is TicketStatus.PENDING:
        return with_ticket(TicketChanged(id=ticket.id), ticket)
    return not_decidable(ticket)


async def _update_pending(
    connection: AsyncConnection,
    seen: Mapping[int, datetime],
    status: TicketStatus,
    reason: str | None,
    actor: Actor,
) -> list[LockedTicket]:
    """Update what can be decided, and return it in the order of the ids."""
    ids = sorted(seen)
    values = {
        "ids": ids,
        "seen_at": [seen[ticket_id] for ticket_id in ids],
        "decision": status,
        "reason": reason,
        "actor_id": actor.id,
    }
    return sorted(map(LockedTicket._make, await connection.execute(_DECIDE_PENDING, values)))


def _decide_pending() -> Executable:
    """Build the statement that decides those that are pending and as they were seen.

    They are not locked by a SELECT first: a sharded database locks rows of one shard only. The
    index is read in the order of the ids, so that two who decide overlapping tickets cannot
    deadlock.
    """
    employer = BoundActor(Role.EMPLOYER)
    ids = bindparam("ids", type_=ARRAY(BigInteger))
    # A function's result is put in parentheses, which PostgreSQL wants around what is indexed.
    seen_at = func.coalesce(bindparam("seen_at", type_=ARRAY(DateTime(timezone=True))))
    return (
        update(ticket_table)
        .where(
            visible_to(employer),
            ticket_table.c.id == any_(ids),
            ticket_table.c.owner_id != employer.id,
            ticket_table.c.status == TicketStatus.PENDING,
            ticket_table.c.updated_at <= seen_at[func.array_position(ids, ticket_table.c.id)],
        )
        .values(
            status=bindparam("decision", type_=ticket_table.c.status.type),
            decided_by_id=employer.id,
            decided_at=func.now(),
            decision_reason=bindparam("reason", type_=Text),
        )
        .returning(*LOCKED)
    )


_DECIDE_PENDING = _decide_pending()
