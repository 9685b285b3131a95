"""Find the unpaid lines of somebody, and what is due and in no run."""

from alembic import op

revision = "a41c7e58d902"
down_revision = "b86d20f9a3c1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for running transactions, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_payment_lines_unpaid"
            " ON payment_lines (owner_id, ticket_id) WHERE is_active AND paid_at IS NULL"
        )
        op.execute("RESET lock_timeout")


def downgrade() -> None:
    op.drop_index("ix_payment_lines_unpaid", "payment_lines")
