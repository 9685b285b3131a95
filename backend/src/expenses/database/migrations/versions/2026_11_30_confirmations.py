"""Keep the links by which people confirm their e-mail before they register."""

import sqlalchemy as sa
from alembic import op

revision = "c05d7be8f214"
down_revision = "b7f2c61d0a38"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "confirmations",
        sa.Column("secret_hash", sa.LargeBinary, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_confirmations_expires_at", "confirmations", ["expires_at"])


def downgrade() -> None:
    op.drop_table("confirmations")
