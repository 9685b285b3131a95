"""Keep the filters that a user has named."""

import sqlalchemy as sa
from alembic import op

revision = "c47a1e9d3b60"
down_revision = "8c1d5e60b2a4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        sa.CheckConstraint("length(query) BETWEEN 1 AND 8000", name="query_length"),
        sa.PrimaryKeyConstraint("user_id", "name", name="pk_saved_filters"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name="fk_saved_filters_user_id_users",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("saved_filters")
