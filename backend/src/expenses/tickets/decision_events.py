"""What follows from decisions: their events, messages, log lines and metrics."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import after_commit
from expenses.history import event_table, log_after_commit
from expenses.i18n.money import with_decimals
from expenses.notifications.outbox import Subject, announce
from expenses.tickets.queries import LockedTicket
from expenses.users.models import Actor

DECISIONS = Counter(
    "expenses_decisions", "Tickets that were approved, denied or reopened.", ["decision"]
)
# There from the start: an increase from nothing to the first one would go unseen.
for _decision in ("approved", "denied", "reopened"):
    DECISIONS.labels(_decision)


async def record_decisions(
    connection: AsyncConnection,
    tickets: Sequence[LockedTicket],
    action: str,
    reason: str | None,
    *,
    actor: Actor,
    **details: Any,
) -> None:
    """Write the events, and the messages to the owners and the company's other systems.

    Takes as many statements for many tickets as for one.
    """
    written = await connection.execute(
        insert(event_table).returning(event_table.c.ticket_id, event_table.c.id),
        [_event(ticket, action, {"reason": reason} | details, actor) for ticket in tickets],
    )
    event_ids = {row.ticket_id: row.id for row in written}
    subjects = [_subject(ticket, event_ids[ticket.id], reason) for ticket in tickets]
    await announce(connection, action, subjects, actor_id=actor.id)
    for ticket in tickets:
        log_after_commit(connection, action, actor_id=actor.id, ticket_id=ticket.id)
    counter = DECISIONS.labels(action.removeprefix("ticket."))
    after_commit(connection, lambda: counter.inc(len(tickets)))


def _subject(ticket: LockedTicket, event_id: int, reason: str | None) -> Subject:
    """Describe the ticket as it was decided: it may be edited before a mail is sent."""
    facts = {
        "amount": str(with_decimals(ticket.amount, ticket.currency)),
        "currency": ticket.currency,
        "description": ticket.description,
        "reason": reason,
    }
    return Subject(ticket.owner_id, event_id, ticket.id, facts)


def _event(
    ticket: LockedTicket, action: str, details: dict[str, Any], actor: Actor
) -> dict[str, Any]:
    return {
        "action": action,
        "actor_id": actor.id,
        "ticket_id": ticket.id,
        "owner_id": ticket.owner_id,
        "details": details,
    }
