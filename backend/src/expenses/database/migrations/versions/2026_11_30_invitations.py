"""Keep invitations, and mails to people who are no users yet."""

import sqlalchemy as sa
from alembic import op

revision = "9e3b61f0d7a2"
down_revision = "4c8f2a6be103"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_identity", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("invited_by_id", sa.BigInteger),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role IN ('employee', 'employer')", name="role"),
        sa.ForeignKeyConstraint(["invited_by_id"], ["users.id"]),
    )
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"])
    op.alter_column("outbox", "user_id", nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE user_id IS NULL")
    op.alter_column("outbox", "user_id", nullable=False)
    op.drop_table("invitations")
