"""An index that holds all that the overview counts and sums, so that it reads no rows."""

from alembic import op

revision = "20261123c"
down_revision = "20261123b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_tickets_overview",
        "tickets",
        ["status", "spent_on"],
        postgresql_include=["currency", "amount", "category", "owner_id"],
    )


def downgrade() -> None:
    op.drop_index("ix_tickets_overview")
