"""Keep who is who at an issuer of single sign-on; those people need no password."""

import sqlalchemy as sa
from alembic import op

revision = "9a3e61d0c7b8"
down_revision = "c93a50d7e1b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "linked_accounts",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column(
            "linked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("issuer", "user_id", name="uq_linked_accounts_user"),
    )
    op.create_index("ix_linked_accounts_user_id", "linked_accounts", ["user_id"])
    op.alter_column("users", "password_hash", nullable=True)
    op.alter_column("pending_registrations", "password_hash", nullable=True)
    for name in ("issuer", "subject", "username"):
        op.add_column("pending_registrations", sa.Column(name, sa.Text))
    op.add_column("pending_registrations", sa.Column("role", sa.String(20)))
    op.create_check_constraint("role", "pending_registrations", "role IN ('employee', 'employer')")


def downgrade() -> None:
    op.execute("DELETE FROM pending_registrations WHERE issuer IS NOT NULL")
    for name in ("issuer", "subject", "username", "role"):
        op.drop_column("pending_registrations", name)
    op.alter_column("pending_registrations", "password_hash", nullable=False)
    # No password fits it.
    op.execute("UPDATE users SET password_hash = '!' WHERE password_hash IS NULL")
    op.alter_column("users", "password_hash", nullable=False)
    op.drop_table("linked_accounts")
