"""Employees by their name, whatever its case, found without looking at all of them."""

import sqlalchemy as sa
from alembic import op

revision = "20261125a"
down_revision = "20261123j"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_users_username", "users", [sa.text("lower(username)")])


def downgrade() -> None:
    op.drop_index("ix_users_username", table_name="users")
