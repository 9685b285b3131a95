"""Attempts that are limited, and sessions that end when nobody uses them."""

import sqlalchemy as sa
from alembic import op

revision = "20261123f"
down_revision = "20261123e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
    )
    op.create_index("ix_attempts_forgotten_at", "attempts", ["forgotten_at"])
    # Who is logged in now stays so, as long as before.
    op.add_column("sessions", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("idle_for", sa.Interval, nullable=True))
    op.execute("UPDATE sessions SET ends_at = expires_at, idle_for = interval '3 days'")
    op.alter_column("sessions", "ends_at", nullable=False)
    op.alter_column("sessions", "idle_for", nullable=False)


def downgrade() -> None:
    op.drop_column("sessions", "idle_for")
    op.drop_column("sessions", "ends_at")
    op.drop_index("ix_attempts_forgotten_at", table_name="attempts")
    op.drop_table("attempts")
