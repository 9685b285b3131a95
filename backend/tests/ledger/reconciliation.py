"""At the end the database is compared with what the writers were told, in both directions."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.ledger.writers import Decision, Ledger
from tests.payment_consistency import inconsistencies

# Those whose events are not exactly the ones that made them what they are.
INCONSISTENT_TICKETS = """
SELECT tickets.id, status, array_agg(action || ' ' || actor_id ORDER BY events.id)
FROM tickets LEFT JOIN events ON ticket_id = tickets.id AND action NOT LIKE 'ticket.receipt%'
    AND NOT details ? 'run'
GROUP BY tickets.id
HAVING array_agg(action ORDER BY events.id) IS DISTINCT FROM
    CASE WHEN status = 'pending' THEN ARRAY['ticket.created']
    ELSE ARRAY['ticket.created', 'ticket.' || status] END
OR bool_or(actor_id IS DISTINCT FROM
    CASE action WHEN 'ticket.created' THEN tickets.owner_id ELSE decided_by_id END)
OR bool_or(action <> 'ticket.created' AND details ->> 'reason' IS DISTINCT FROM decision_reason)
"""
# Those with other events than rows: each file is added, and removed where there is no row.
INCONSISTENT_RECEIPTS = """
SELECT events.ticket_id, details ->> 'sha256', array_agg(action ORDER BY events.id)
FROM events LEFT JOIN receipts
ON receipts.ticket_id = events.ticket_id AND sha256 = details ->> 'sha256'
WHERE action LIKE 'ticket.receipt%'
GROUP BY 1, 2
HAVING array_agg(action ORDER BY events.id) IS DISTINCT FROM
    CASE WHEN count(receipts.id) > 0 THEN ARRAY['ticket.receipt_added']
    ELSE ARRAY['ticket.receipt_added', 'ticket.receipt_removed'] END
"""
INCONSISTENT_KEYS = """
SELECT key, tickets.id
FROM idempotency_keys FULL JOIN tickets ON tickets.id = ticket_id
WHERE description IS DISTINCT FROM key
"""

Rows = Callable[[str], Awaitable[list[Any]]]


async def discrepancies(rows: Rows, ledger: Ledger, files: Path) -> list[str]:
    """In words; none where everything is there, once and whole."""
    return [
        *await _of_tickets(rows, ledger),
        *await _of_receipts(rows, ledger, files),
        *await _of_decisions(rows, ledger),
        *await _of_payment_runs(rows, ledger),
        *await _half_done(rows),
    ]


async def _of_tickets(rows: Rows, ledger: Ledger) -> list[str]:
    there: dict[str, list[int]] = {}
    for ticket, key in await rows("SELECT id, description FROM tickets"):
        there.setdefault(key, []).append(ticket)
    found = [
        f"Ticket {ticket} was acknowledged; of its key there are {there.get(key, [])}."
        for key, ticket in ledger.filed.items()
        if there.get(key) != [ticket]
    ]
    found += [f"Nobody was told of ticket {there[key]}." for key in there.keys() - ledger.filed]
    found += [f"Key {key} never got an answer." for key in ledger.sent - ledger.filed.keys()]
    return found


async def _of_receipts(rows: Rows, ledger: Ledger, files: Path) -> list[str]:
    there: dict[int, set[str]] = {}
    found = []
    for ticket, sha256 in await rows("SELECT ticket_id, sha256 FROM receipts"):
        there.setdefault(ticket, set()).add(sha256)
        original = files / sha256[:2] / sha256 / "original"
        if not original.exists() or hashlib.sha256(original.read_bytes()).hexdigest() != sha256:
            found.append(f"The file {sha256} of ticket {ticket} is not there, or not whole.")
    found += [
        f"Of ticket {ticket} people were told {ledger.receipts.get(ticket)} of receipts, "
        f"and there is {there.get(ticket)}."
        for ticket in there.keys() | ledger.receipts.keys()
        if there.get(ticket) != ledger.receipts.get(ticket)
    ]
    return found


async def _of_decisions(rows: Rows, ledger: Ledger) -> list[str]:
    decided = await rows(
        "SELECT id, status, decided_by_id, decision_reason FROM tickets"
        " WHERE decided_at IS NOT NULL"
    )
    there = {ticket: {Decision(*decision)} for ticket, *decision in decided}
    return [
        f"Of ticket {ticket} people were told {ledger.decided.get(ticket)}, "
        f"and there is {there.get(ticket)}."
        for ticket in there.keys() | ledger.decided.keys()
        if there.get(ticket) != ledger.decided.get(ticket)
    ]


async def _of_payment_runs(rows: Rows, ledger: Ledger) -> list[str]:
    runs = await rows(
        "SELECT payment_runs.id, status, count(ticket_id)"
        " FROM payment_runs LEFT JOIN payment_lines ON run_id = payment_runs.id"
        " GROUP BY payment_runs.id"
    )
    there = {run: (status, tickets) for run, status, tickets in runs}
    found = [
        f"Of payment run {run} people were told {ledger.runs.get(run)}, and there is "
        f"{there.get(run)}."
        for run in there.keys() | ledger.runs.keys()
        if there.get(run) != ledger.runs.get(run)
    ]
    return found + await inconsistencies(rows)


async def _half_done(rows: Rows) -> list[str]:
    tickets, keys = await rows(INCONSISTENT_TICKETS), await rows(INCONSISTENT_KEYS)
    receipts = await rows(INCONSISTENT_RECEIPTS)
    return [
        *(f"The events of receipt {sha} of ticket {id_}: {all_}." for id_, sha, all_ in receipts),
        *(f"Ticket {id_} is {status}; its events: {events}." for id_, status, events in tickets),
        *(f"Key {key} and ticket {ticket} do not belong together." for key, ticket in keys),
    ]
