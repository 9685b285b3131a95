"""The SQL that makes up a believable company of any size: users, tickets and their history."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# Made by one random seed: two companies of the same size, made on the same day, are equal.
SEED = 0.20261123
YEARS = 5
TICKETS_PER_EMPLOYEE = 200
EMPLOYEES_PER_EMPLOYER = 100
MIN_EMPLOYERS = 3
PASSWORD = "measured-2026"  # noqa: S105, of people who do not exist

# One ticket in thirty has the common word, RARE_WORD_TICKETS have the rare one, none the last.
COMMON_WORD, RARE_WORD, MISSING_WORD = "Taxi", "Halcyon", "zeppelin"
RARE_WORD_TICKETS = 200

# In percent of all tickets.
CURRENCIES = {"USD": 68, "EUR": 15, "CNY": 8, "GBP": 6, "JPY": 3}
CATEGORIES = {
    "travel": 28,
    "meals": 30,
    "lodging": 14,
    "software": 9,
    "equipment": 8,
    "training": 5,
    "other": 6,
}
MEDIAN_AMOUNTS = {
    "travel": 85,
    "meals": 32,
    "lodging": 240,
    "software": 60,
    "equipment": 150,
    "training": 320,
    "other": 25,
}

# The first users are employers. A third of the employees were there from the beginning, the others
# came since; every fiftieth is suspended.
USERS = """
INSERT INTO users (id, email, username, role, password_hash, suspended_at, created_at)
SELECT id, lower(format('%s.%s.%s@contoso.example', first, last, id)), first || ' ' || last,
       CASE WHEN number < 0 THEN 'employer' ELSE 'employee' END, :password_hash,
       CASE WHEN number % 50 = 49 THEN joined + (:now - joined) * chance END, joined
FROM (
    SELECT *, (:days)[1 + trunc(greatest(0, number * 1.5 / :employees - 0.5)
                                * (cardinality(:days) - 1))::int]
              + time '07:30' + interval '30 min' * number / :employees AS joined
    FROM (
        SELECT id, id - :employers - 1 AS number, random() AS chance,
               (:first_names)[1 + trunc(random() * cardinality(:first_names))::int] AS first,
               (:last_names)[1 + trunc(random() * cardinality(:last_names))::int] AS last
        FROM generate_series(1, :employers + :employees) AS id
    ) AS numbered
) AS named
"""

# Nearly all that is pending was filed lately: 3 % of all. An owner had joined by then, and was not
# suspended: the employee before a suspended one never is.
TICKETS = """
INSERT INTO tickets (id, owner_id, spent_on, amount, currency, category, description, links, status,
                     decided_by_id, decided_at, decision_reason, created_at, updated_at)
SELECT id, owner_id, filed::date - days_until_filed, amount, currency, category, description,
       links, status, CASE WHEN decided THEN decider END, CASE WHEN decided THEN ended END,
       CASE status WHEN 'denied' THEN denial_reason WHEN 'approved' THEN approval_note END,
       filed, CASE WHEN status = 'pending' THEN filed ELSE ended END
FROM (
    SELECT *, status IN ('approved', 'denied') AS decided
    FROM (
        SELECT drawn.*, users.id - (coalesce(suspended_at, 'infinity') <= filed)::int AS owner_id,
               CASE WHEN stays_pending OR ended >= :now THEN 'pending'
                    WHEN outcome < 0.87 THEN 'approved' WHEN outcome < 0.96 THEN 'denied'
                    ELSE 'withdrawn' END AS status,
               round((price * (:medians ->> category)::float)::numeric, 2) + 1 AS amount,
               format(:purchases -> category ->> trunc(
                   what * jsonb_array_length(:purchases -> category))::int, place)
               || ', ' || format(purpose, customer)
               || CASE WHEN drawn.id % :rare_word_every = 0 THEN :rare_word ELSE '' END
               AS description,
               CASE WHEN receipts < 0.55 THEN '{}'
                    WHEN receipts < 0.92 THEN ARRAY[receipt]
                    ELSE ARRAY[receipt, receipt || '/page-2'] END AS links
        FROM (
            SELECT *, filed + interval '10 min' + delay AS ended
            FROM (
                SELECT id, (:days)[1 + trunc(share * cardinality(:days))::int] + time '08:00'
                           + interval '10 hours' * (share * cardinality(:days) % 1) AS filed,
                       :employers + 1 + trunc(random() * greatest(
                           1, trunc(:employees * (share::float + 0.5) / 1.5)))::int AS candidate,
                       random() < CASE WHEN share > 0.96 THEN 0.68 ELSE 0.003 END AS stays_pending,
                       interval '50 hours' * -ln(1 - random()) AS delay,
                       random() AS outcome, random() AS what, random() AS receipts,
                       exp(0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS price,
                       trunc(random() ^ 3 * 45)::int AS days_until_filed,
                       1 + trunc(random() * :employers)::int AS decider,
                       (:currencies)[1 + trunc(random() * 100)::int] AS currency,
                       (:categories)[1 + trunc(random() * 100)::int] AS category,
                       (:places)[1 + trunc(random() * cardinality(:places))::int] AS place,
                       (:purposes)[1 + trunc(random() * cardinality(:purposes))::int] AS purpose,
                       (:customers)[1 + trunc(random() * cardinality(:customers))::int] AS customer,
                       (:denial_reasons)[1 + trunc(random() * cardinality(:denial_reasons))::int]
                       AS denial_reason,
                       -- Most approvals say nothing.
                       (:approval_notes)[
                           1 + trunc(random() * 8 * cardinality(:approval_notes))::int
                       ] AS approval_note,
                       'https://receipts.example.com/'
                       || lpad(to_hex(id * 2654435761 % 4294967296), 8, '0') AS receipt
                FROM (
                    SELECT id, ((id - random()) / :size)::numeric AS share
                    FROM generate_series(:first, :last) AS id
                ) AS shares
            ) AS filed
        ) AS drawn
        JOIN users ON users.id = candidate
    ) AS owned
) AS ended
ORDER BY id
"""

EVENTS = """
INSERT INTO events (at, actor_id, action, ticket_id, owner_id, user_id, details)
SELECT created_at, id, 'user.registered', NULL::bigint, NULL::bigint, id,
       jsonb_build_object('role', role)
FROM users
UNION ALL
SELECT suspended_at, 1 + id % :employers, 'user.suspended', NULL, NULL, id,
       '{"reason": "Left the company", "sessions_ended": 0}'
FROM users WHERE suspended_at IS NOT NULL
UNION ALL
SELECT created_at, owner_id, 'ticket.created', id, owner_id, NULL::bigint,
       jsonb_build_object('spent_on', spent_on, 'amount', amount::text, 'currency', currency,
           'category', category, 'description', description, 'links', links)
FROM tickets
UNION ALL
SELECT updated_at, coalesce(decided_by_id, owner_id), 'ticket.' || status, id, owner_id, NULL,
       CASE status WHEN 'withdrawn' THEN '{}' ELSE jsonb_build_object('reason', decision_reason) END
FROM tickets WHERE status <> 'pending'
ORDER BY 1
"""


def parameters(size: int, password_hash: str, now: datetime) -> dict[str, Any]:
    """What the statements call `:name`; `now` is when the last tickets were decided."""
    vocabulary = tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text("utf-8"))
    employees = max(1, size // TICKETS_PER_EMPLOYEE)
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    days = [yesterday - timedelta(days=number) for number in reversed(range(YEARS * 365))]
    return vocabulary | {
        "size": size,
        "employees": employees,
        "employers": max(MIN_EMPLOYERS, employees // EMPLOYEES_PER_EMPLOYER),
        "password_hash": password_hash,
        "now": now,
        "days": [day for day in days if day.weekday() < 5],
        "currencies": _repeated(CURRENCIES),
        "categories": _repeated(CATEGORIES),
        "medians": json.dumps(MEDIAN_AMOUNTS),
        "purchases": json.dumps(vocabulary["purchases"]),
        "rare_word": f" ({RARE_WORD})",
        "rare_word_every": max(1, size // RARE_WORD_TICKETS),
    }


def _repeated(percents: dict[str, int]) -> list[str]:
    return [name for name, percent in percents.items() for _ in range(percent)]
