"""Keep the sums that the overview shows, so that it costs the same however many tickets there are."""

from decimal import Decimal

import sqlalchemy as sa
from alembic import op

revision = "7d0e52c9b3f4"
down_revision = "b3e84a2f6d19"
branch_labels = None
depends_on = None

NOTE_CHANGES = """
CREATE FUNCTION note_ticket_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ticket_changes (owner_id, status, spent_on, currency, category, is_due, number, amount)
    SELECT owner_id, status, spent_on, currency, category, is_due, number, number * amount
    FROM (VALUES
        (OLD.owner_id, OLD.status, OLD.spent_on, OLD.currency, OLD.category,
         OLD.status = 'approved' AND OLD.paid_at IS NULL, OLD.amount, -1),
        (NEW.owner_id, NEW.status, NEW.spent_on, NEW.currency, NEW.category,
         NEW.status = 'approved' AND NEW.paid_at IS NULL, NEW.amount, 1)
    ) AS versions (owner_id, status, spent_on, currency, category, is_due, amount, number)
    WHERE status IN ('pending', 'approved');
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER tickets_note_change
AFTER INSERT OR DELETE OR UPDATE OF
    owner_id, status, spent_on, currency, category, amount, paid_at
ON tickets FOR EACH ROW EXECUTE FUNCTION note_ticket_change()
"""

# What has changed is read by itself: Citus takes it in no statement with its own tables.
SUM_UP_RUNS = """
CREATE FUNCTION sum_up_paid_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    runs bigint[] := ARRAY(SELECT DISTINCT run_id FROM changed WHERE paid_at IS NOT NULL);
BEGIN
    UPDATE payment_runs SET (paid_tickets, paid_amount) = (
        SELECT count(*), coalesce(sum(amount), 0) FROM payment_lines
        WHERE run_id = payment_runs.id AND is_active AND paid_at IS NOT NULL
    )
    WHERE id = ANY (runs);
    RETURN NULL;
END $$
"""
# The run is locked by whoever pays or voids it.
RUN_TRIGGER = """
CREATE TRIGGER sum_up_{event} AFTER {event} ON payment_lines REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION sum_up_paid_lines()
"""


def upgrade() -> None:
    op.create_table(
        "ticket_changes",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("spent_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("is_due", sa.Boolean(), nullable=False),
        *_sums(),
    )
    op.create_table(
        "hidden_in_sums",
        sa.Column("owner_id", sa.BigInteger(), primary_key=True, autoincrement=False),
    )
    op.create_table(
        "sums_by_day",
        sa.Column("status", sa.Text(), primary_key=True),
        sa.Column("spent_on", sa.Date(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        *_sums(),
    )
    op.create_table(
        "sums_by_month",
        sa.Column("month", sa.Date(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("category", sa.Text(), primary_key=True),
        *_sums(),
    )
    op.create_table(
        "sums_by_employee",
        sa.Column("year_to", sa.Date(), primary_key=True),
        sa.Column("currency", sa.Text(), primary_key=True),
        sa.Column("owner_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        *_sums(),
    )
    op.create_table(
        "sums_of_due",
        sa.Column("owner_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("currency", sa.Text(), primary_key=True),
        *_sums(),
    )
    op.add_column(
        "payment_runs",
        sa.Column("paid_tickets", sa.BigInteger(), nullable=False, server_default=sa.text("0")),
    )
    op.add_column(
        "payment_runs",
        sa.Column("paid_amount", sa.Numeric(), nullable=False, server_default=sa.text("0")),
    )
    op.create_index(
        "ix_payment_runs_paid_on",
        "payment_runs",
        ["currency", "paid_on"],
        postgresql_include=["paid_tickets", "paid_amount"],
    )
    op.execute(NOTE_CHANGES)
    op.execute(TRIGGER)
    op.execute(SUM_UP_RUNS)
    for event in ("insert", "update"):
        op.execute(RUN_TRIGGER.format(event=event))
    op.create_index(
        "ix_sums_by_employee_most",
        "sums_by_employee",
        ["year_to", "currency", sa.text("amount DESC"), "owner_id"],
        postgresql_include=["number"],
    )
    op.create_index(
        "ix_sums_of_due_most",
        "sums_of_due",
        ["currency", sa.text("amount DESC"), "owner_id"],
        postgresql_include=["number"],
    )


def downgrade() -> None:
    for event in ("insert", "update"):
        op.execute(f"DROP TRIGGER sum_up_{event} ON payment_lines")
    op.execute("DROP FUNCTION sum_up_paid_lines")
    op.drop_index("ix_payment_runs_paid_on", "payment_runs")
    op.drop_column("payment_runs", "paid_tickets")
    op.drop_column("payment_runs", "paid_amount")
    op.execute("DROP TRIGGER tickets_note_change ON tickets")
    op.execute("DROP FUNCTION note_ticket_change")
    for table in (
        "sums_of_due",
        "sums_by_employee",
        "sums_by_month",
        "sums_by_day",
        "hidden_in_sums",
        "ticket_changes",
    ):
        op.drop_table(table)


def _sums() -> tuple[sa.Column[int], sa.Column[Decimal]]:
    return (
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(), nullable=False),
    )
