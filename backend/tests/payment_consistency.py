"""What must hold of payment runs at any time, whatever people did and whatever went wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

# Each finds rows that must not be there.
QUERIES = {
    "A ticket is paid without a paid line, or the other way round": """
        SELECT tickets.id FROM tickets
        LEFT JOIN payment_lines ON ticket_id = tickets.id AND is_active
        WHERE (tickets.paid_at IS NULL) <> (payment_lines.paid_at IS NULL)
    """,
    "A ticket is in two runs": """
        SELECT ticket_id FROM payment_lines WHERE is_active GROUP BY ticket_id HAVING count(*) > 1
    """,
    "A ticket in a run is not as it was put there": """
        SELECT tickets.id, tickets.status FROM tickets
        JOIN payment_lines ON ticket_id = tickets.id AND is_active
        JOIN payment_runs ON payment_runs.id = run_id
        WHERE tickets.status <> 'approved' OR tickets.owner_id <> payment_lines.owner_id
            OR tickets.amount <> payment_lines.amount OR tickets.currency <> payment_runs.currency
    """,
    "An unpaid ticket of a suspended employee is in a run": """
        SELECT ticket_id FROM payment_lines JOIN users ON users.id = owner_id
        WHERE is_active AND paid_at IS NULL AND suspended_at IS NOT NULL
    """,
    "The lines of a run do not fit its status": """
        SELECT payment_runs.number, status, count(ticket_id), count(payment_lines.paid_at)
        FROM payment_runs LEFT JOIN payment_lines ON run_id = payment_runs.id
        GROUP BY payment_runs.id
        HAVING bool_or(is_active <> (status NOT IN ('cancelled', 'voided')))
            OR CASE
                WHEN status IN ('draft', 'cancelled') THEN count(payment_lines.paid_at) > 0
                WHEN status = 'confirmed'
                    THEN count(ticket_id) = count(payment_lines.paid_at) AND count(ticket_id) > 0
                ELSE count(ticket_id) > count(payment_lines.paid_at) OR count(ticket_id) = 0
            END
    """,
    "Lines and events do not tell the same": """
        WITH told AS (
            SELECT ticket_id, details ->> 'run' AS number,
                array_agg(action ORDER BY id) AS actions,
                count(*) FILTER (WHERE action = 'ticket.added_to_payment_run') AS added,
                count(*) FILTER (WHERE action = 'ticket.taken_out_of_payment_run') AS taken_out,
                count(*) FILTER (WHERE action = 'ticket.payment_confirmed') AS confirmed,
                count(*) FILTER (WHERE action = 'ticket.paid') AS paid,
                count(*) FILTER (WHERE action = 'ticket.payment_cancelled') AS cancelled,
                count(*) FILTER (WHERE action = 'ticket.payment_voided') AS voided
            FROM events WHERE ticket_id IS NOT NULL AND details ? 'run'
            GROUP BY ticket_id, details ->> 'run'
        ), lines AS (
            SELECT ticket_id, number, status, payment_lines.paid_at, confirmed_at
            FROM payment_lines JOIN payment_runs ON payment_runs.id = run_id
        )
        SELECT ticket_id, number, status, actions FROM told FULL JOIN lines
            USING (ticket_id, number)
        WHERE added IS DISTINCT FROM 1
            OR taken_out <> (status IS NULL)::int
            OR status IS NOT NULL AND (
                confirmed <> (confirmed_at IS NOT NULL)::int
                OR paid <> (paid_at IS NOT NULL)::int
                OR cancelled <> (status = 'cancelled')::int
                OR voided <> (status = 'voided')::int
            )
    """,
    "What a run has paid is not what its paid lines come to": """
        SELECT number, paid_tickets, paid_amount, count(ticket_id), sum(payment_lines.amount)
        FROM payment_runs LEFT JOIN payment_lines
            ON run_id = payment_runs.id AND is_active AND paid_at IS NOT NULL
        GROUP BY payment_runs.id
        HAVING (paid_tickets, paid_amount)
            <> (count(ticket_id), coalesce(sum(payment_lines.amount), 0))
    """,
    "The sum of what is due is not what the tickets come to": """
        SELECT owner_id, currency, sum(number), sum(amount) FROM (
            SELECT owner_id, currency, number, amount FROM sums_of_due
            UNION ALL SELECT owner_id, currency, number, amount FROM ticket_changes WHERE is_due
            UNION ALL SELECT owner_id, currency, -1, -amount FROM tickets
            WHERE status = 'approved' AND paid_at IS NULL
        ) AS sums
        GROUP BY owner_id, currency HAVING sum(number) <> 0 OR sum(amount) <> 0
    """,
    "A run and its events do not tell the same": """
        SELECT number, status, array_agg(action ORDER BY events.id)
        FROM payment_runs LEFT JOIN events
            ON (details ->> 'run_id')::bigint = payment_runs.id
            AND action IN ('payment_run.created', 'payment_run.confirmed', 'payment_run.paid',
                'payment_run.cancelled', 'payment_run.voided')
        GROUP BY payment_runs.id
        HAVING count(*) FILTER (WHERE action = 'payment_run.created') <> 1
            OR count(*) FILTER (WHERE action = 'payment_run.confirmed')
                <> (confirmed_at IS NOT NULL)::int
            OR (count(*) FILTER (WHERE action = 'payment_run.paid') > 0) <> (paid_on IS NOT NULL)
            OR count(*) FILTER (WHERE action = 'payment_run.cancelled')
                <> (status = 'cancelled')::int
            OR count(*) FILTER (WHERE action = 'payment_run.voided') <> (status = 'voided')::int
    """,
}

Rows = Callable[[str], Awaitable[list[Any]]]


async def inconsistencies(rows: Rows) -> list[str]:
    """In words; none where all of it holds."""
    return [f"{name}: {tuple(row)}" for name, query in QUERIES.items() for row in await rows(query)]
