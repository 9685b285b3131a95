"""Who is suspended, found without looking at everybody else."""

import sqlalchemy as sa
from alembic import op

revision = "20261123g"
down_revision = "20261123f"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_users_suspended", "users", ["id"], postgresql_where=sa.text("suspended_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_users_suspended", table_name="users")
