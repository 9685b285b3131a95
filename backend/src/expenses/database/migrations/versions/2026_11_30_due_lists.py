"""List what is due or paid in each order without reading past all the rest."""

from alembic import op

revision = "6f1d0b93ce75"
down_revision = "c05d7be8f214"
branch_labels = None
depends_on = None

DUE, PAID = "status = 'approved' AND paid_at IS NULL", "paid_at IS NOT NULL"
INDEXES = {
    "ix_tickets_due_id": f"tickets (id) WHERE {DUE}",
    "ix_tickets_due_spent_on": f"tickets (spent_on, id) WHERE {DUE}",
    "ix_tickets_paid_id": f"tickets (id) WHERE {PAID}",
    "ix_tickets_paid_spent_on": f"tickets (spent_on, id) WHERE {PAID}",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for running transactions, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        for name, columns in INDEXES.items():
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "tickets")
