"""What somebody denied lately, found without looking at what others did."""

import sqlalchemy as sa
from alembic import op

revision = "20261123h"
down_revision = "20261123g"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_events_denials",
        "events",
        ["actor_id", "id"],
        postgresql_where=sa.text("action = 'ticket.denied'"),
    )


def downgrade() -> None:
    op.drop_index("ix_events_denials", table_name="events")
