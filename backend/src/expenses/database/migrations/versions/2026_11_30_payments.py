"""Pay approved tickets in runs, each ticket once."""

import sqlalchemy as sa
from alembic import op

revision = "e2b90d7c4f16"
down_revision = "c7f3a1905e2d"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STEPS_COMPLETE = (
    "(status IN ('cancelled', 'voided')) = (ended_by_id IS NOT NULL)"
    " AND (ended_by_id IS NULL) = (ended_at IS NULL)"
    " AND (confirmed_by_id IS NULL) = (confirmed_at IS NULL)"
    " AND (status <> 'draft' OR confirmed_by_id IS NULL)"
    " AND (status NOT IN ('confirmed', 'paid', 'voided') OR confirmed_by_id IS NOT NULL)"
    " AND (status NOT IN ('paid', 'voided') OR paid_on IS NOT NULL)"
)


def upgrade() -> None:
    op.add_column("tickets", sa.Column("paid_at", INSTANT))
    op.create_check_constraint(
        "paid_is_approved",
        "tickets",
        "paid_at IS NULL OR status = 'approved'",
        postgresql_not_valid=True,
    )
    create_runs()
    create_lines()
    with op.get_context().autocommit_block():
        # It waits for running transactions, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_tickets_due ON tickets (owner_id, currency, id)"
            " INCLUDE (amount, decided_at, spent_on)"
            " WHERE status = 'approved' AND paid_at IS NULL"
        )
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_tickets_paid ON tickets (owner_id, id)"
            " WHERE paid_at IS NOT NULL"
        )
        op.execute("RESET lock_timeout")
    # Checked here, where nobody has to wait for it.
    op.execute("ALTER TABLE tickets VALIDATE CONSTRAINT ck_tickets_paid_is_approved")


def downgrade() -> None:
    op.drop_table("payment_lines")
    op.drop_table("payment_runs")
    op.drop_index("ix_tickets_paid", "tickets")
    op.drop_index("ix_tickets_due", "tickets")
    op.drop_constraint("ck_tickets_paid_is_approved", "tickets")
    op.drop_column("tickets", "paid_at")


def create_runs() -> None:
    op.create_table(
        "payment_runs",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("status", sa.String(20), server_default="draft", nullable=False),
        sa.Column("created_by_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.func.now(), nullable=False),
        sa.Column("confirmed_by_id", sa.BigInteger),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("paid_on", sa.Date),
        sa.Column("reference", sa.Text),
        sa.Column("ended_by_id", sa.BigInteger),
        sa.Column("ended_at", INSTANT),
        sa.Column("reason", sa.Text),
        sa.Column("idempotency_key", sa.Text),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["ended_by_id"], ["users.id"]),
        sa.CheckConstraint(
            "status IN ('draft', 'confirmed', 'paid', 'cancelled', 'voided')", name="status"
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 500", name="reason_length"),
        sa.CheckConstraint("length(reference) BETWEEN 1 AND 140", name="reference_length"),
        sa.CheckConstraint(STEPS_COMPLETE, name="steps_complete"),
    )
    op.create_index("ix_payment_runs_status_id", "payment_runs", ["status", "id"])
    op.create_index("uq_payment_runs_number", "payment_runs", ["number"], unique=True)
    op.create_index(
        "uq_payment_runs_key",
        "payment_runs",
        ["created_by_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )


def create_lines() -> None:
    op.create_table(
        "payment_lines",
        sa.Column("ticket_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("amount", sa.Numeric, nullable=False),
        sa.Column("in_cash", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("is_active", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("paid_at", INSTANT),
        sa.ForeignKeyConstraint(["run_id"], ["payment_runs.id"]),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"]),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
    )
    op.create_index(
        "uq_payment_lines_active",
        "payment_lines",
        ["ticket_id"],
        unique=True,
        postgresql_where=sa.text("is_active"),
    )
    op.create_index(
        "ix_payment_lines_run_id_owner_id_ticket_id",
        "payment_lines",
        ["run_id", "owner_id", "ticket_id"],
    )
