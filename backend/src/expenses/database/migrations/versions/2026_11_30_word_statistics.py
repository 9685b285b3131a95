"""Keep better statistics of words, so that searches for rare and for frequent ones are told apart."""

from alembic import op

revision = "b3e84a2f6d19"
down_revision = "6f1d0b93ce75"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER INDEX ix_tickets_folded_text ALTER COLUMN 1 SET STATISTICS 1000")


def downgrade() -> None:
    op.execute("ALTER INDEX ix_tickets_folded_text ALTER COLUMN 1 SET STATISTICS -1")
