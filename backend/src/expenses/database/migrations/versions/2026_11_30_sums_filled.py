"""Fill the sums with the tickets that are there."""

from alembic import op

revision = "e41b86d70a95"
down_revision = "7d0e52c9b3f4"
branch_labels = None
depends_on = None

# Sorted, so that what is read together lies together.
FILL = (
    "INSERT INTO hidden_in_sums (owner_id) SELECT id FROM users WHERE suspended_at IS NOT NULL",
    """
    INSERT INTO sums_by_day (status, spent_on, currency, number, amount)
    SELECT status, spent_on, currency, count(*), sum(amount) FROM tickets
    WHERE status IN ('pending', 'approved') AND owner_id NOT IN (SELECT owner_id FROM hidden_in_sums)
    GROUP BY status, spent_on, currency ORDER BY status, spent_on, currency
    """,
    """
    INSERT INTO sums_by_month (month, currency, category, number, amount)
    SELECT date_trunc('month', spent_on::timestamp) AS month, currency, category,
        count(*), sum(amount)
    FROM tickets
    WHERE status = 'approved' AND owner_id NOT IN (SELECT owner_id FROM hidden_in_sums)
    GROUP BY month, currency, category
    """,
    """
    INSERT INTO sums_by_employee (year_to, currency, owner_id, number, amount)
    SELECT (month + years.months * interval '1 month')::date AS year_to, currency, owner_id,
        sum(number), sum(amount)
    FROM (
        SELECT date_trunc('month', spent_on::timestamp) AS month, currency, owner_id,
            count(*) AS number, sum(amount) AS amount
        FROM tickets
        WHERE status = 'approved' AND spent_on > current_date - 400
        GROUP BY month, currency, owner_id
    ) AS sums, generate_series(0, 11) AS years (months)
    WHERE month + years.months * interval '1 month' >= date_trunc('month', now() - interval '2 days')
    GROUP BY year_to, currency, owner_id ORDER BY year_to, currency, owner_id
    """,
    """
    INSERT INTO sums_of_due (owner_id, currency, number, amount)
    SELECT owner_id, currency, count(*), sum(amount) FROM tickets
    WHERE status = 'approved' AND paid_at IS NULL GROUP BY owner_id, currency
    """,
    """
    UPDATE payment_runs SET paid_tickets = paid.tickets, paid_amount = paid.amount
    FROM (
        SELECT run_id, count(*) AS tickets, sum(amount) AS amount FROM payment_lines
        WHERE is_active AND paid_at IS NOT NULL GROUP BY run_id
    ) AS paid WHERE run_id = id
    """,
    # All of these see the same: what has changed so far is among the tickets.
    "DELETE FROM ticket_changes",
)


def upgrade() -> None:
    op.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    # Adding up years of tickets takes a while, and keeps nobody from writing.
    op.execute("SET LOCAL statement_timeout = 0")
    for statement in FILL:
        op.execute(statement)
    op.execute("ANALYZE hidden_in_sums, sums_by_day, sums_by_month, sums_by_employee, sums_of_due")


def downgrade() -> None:
    pass
