"""Keep where sessions logged in from, and which programs have logged in before."""

import sqlalchemy as sa
from alembic import op

revision = "9b3e61d0f7a5"
down_revision = "5d20c8e7a914"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("address", sa.Text))
    op.create_check_constraint("address_length", "sessions", "length(address) <= 200")
    op.create_table(
        "known_programs",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("mark", sa.LargeBinary, primary_key=True),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_known_programs_known_until", "known_programs", ["known_until"])


def downgrade() -> None:
    op.drop_table("known_programs")
    op.drop_column("sessions", "address")
