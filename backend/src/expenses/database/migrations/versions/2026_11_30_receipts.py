"""Keep receipts with their tickets."""

import sqlalchemy as sa
from alembic import op

revision = "c7f3a1905e2d"
down_revision = "c47a1e9d3b60"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("invoice_reader", sa.Text()),
        sa.Column("invoice_number", sa.Text()),
        sa.Column("invoice_code", sa.Text()),
        sa.Column("invoice_date", sa.Date()),
        sa.Column("invoice_amount", sa.Numeric()),
        sa.Column("invoice_currency", sa.Text()),
        sa.Column("invoice_merchant", sa.Text()),
        sa.Column("invoice_key", sa.Text()),
        sa.Column(
            "added_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_receipts_owner_id_users"),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.id"], name="fk_receipts_ticket_id_tickets"
        ),
        sa.CheckConstraint("kind IN ('jpeg', 'png', 'webp', 'heic', 'pdf', 'xml')", name="kind"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_length"),
        sa.CheckConstraint("size > 0", name="size_positive"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
    )
    op.create_index("ix_receipts_ticket_id_id", "receipts", ["ticket_id", "id"])
    op.create_index(
        "ix_receipts_drafts",
        "receipts",
        ["owner_id", "id"],
        postgresql_where=sa.text("ticket_id IS NULL"),
    )
    op.create_index("ix_receipts_sha256", "receipts", ["sha256"])
    op.create_index("ix_receipts_invoice_key", "receipts", ["invoice_key"])


def downgrade() -> None:
    op.drop_table("receipts")
