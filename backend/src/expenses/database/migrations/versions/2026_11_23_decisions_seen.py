"""Up to when each user has seen the decisions on their tickets."""

import sqlalchemy as sa
from alembic import op

revision = "20261123d"
down_revision = "20261123c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Who is here already starts with no news; a default that goes away again rewrites no row.
    op.add_column(
        "users",
        sa.Column(
            "decisions_seen_at",
            sa.DateTime(timezone=True),
            nullable=True,
            server_default=sa.text("now()"),
        ),
    )
    op.alter_column("users", "decisions_seen_at", server_default=None)


def downgrade() -> None:
    op.drop_column("users", "decisions_seen_at")
