"""Messages that are to be sent, who wants mails and in which language."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261123j"
down_revision = "20261123i"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("event_id", sa.BigInteger, nullable=True),
        sa.Column("actor_id", sa.BigInteger, nullable=True),
        sa.Column("ticket_id", sa.BigInteger, nullable=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("facts", JSONB, server_default="{}", nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column("state", sa.String(20), server_default="waiting", nullable=False),
        sa.Column("problem", sa.Text, nullable=True),
        sa.CheckConstraint("channel IN ('mail', 'webhook')", name="ck_outbox_channel"),
        sa.CheckConstraint("state IN ('waiting', 'failed')", name="ck_outbox_state"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["channel", "due_at"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"])
    op.add_column(
        "users",
        sa.Column("gets_mails", sa.Boolean, server_default=sa.true(), nullable=False),
    )
    op.add_column("users", sa.Column("language", sa.Text, nullable=True))
    op.add_column("users", sa.Column("digest_on", sa.Date, nullable=True))


def downgrade() -> None:
    op.drop_column("users", "digest_on")
    op.drop_column("users", "language")
    op.drop_column("users", "gets_mails")
    op.drop_table("outbox")
