"""Remember which column of a user's spreadsheets is which field."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "b1c84e6f0d35"
down_revision = "3e5b8a90c6d1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "import_headings",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("headings", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_import_headings"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name="fk_import_headings_user_id_users",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("import_headings")
