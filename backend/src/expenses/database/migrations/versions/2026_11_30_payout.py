"""Keep where employees want their money, encrypted."""

import sqlalchemy as sa
from alembic import op

revision = "b86d20f9a3c1"
down_revision = "e2b90d7c4f16"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "payout_details",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("encrypted", sa.LargeBinary, nullable=False),
        sa.Column("masked", sa.Text, nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.CheckConstraint("length(masked) BETWEEN 1 AND 20", name="masked_length"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    )


def downgrade() -> None:
    op.drop_table("payout_details")
