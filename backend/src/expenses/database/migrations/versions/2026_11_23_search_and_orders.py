"""Indexes for searching tickets and users, for each offered order, and for the history's filters."""

import sqlalchemy as sa
from alembic import op

revision = "20261123b"
down_revision = "20261123a"
branch_labels = None
depends_on = None

# An index needs a function that is immutable; array_to_string is not for every type of array.
TICKET_TEXT = """
CREATE FUNCTION ticket_text(description text, links text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT description || ' ' || array_to_string(links, ' ') $$
"""

PLAIN = {
    "tickets": [
        ["spent_on", "id"],
        ["status", "spent_on", "id"],
        ["amount", "id"],
        ["status", "amount", "id"],
        ["owner_id", "spent_on", "amount"],
    ],
    "events": [["action", "id"], ["at"]],
}


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute(TICKET_TEXT)
    for table, indexes in PLAIN.items():
        for columns in indexes:
            op.create_index(name(table, columns), table, columns)
    op.create_index("ix_tickets_links", "tickets", ["links"], postgresql_using="gin")
    op.create_index(
        "ix_tickets_text",
        "tickets",
        [sa.literal_column("ticket_text(description, links) gin_trgm_ops")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_users_text",
        "users",
        [sa.literal_column("username gin_trgm_ops"), sa.literal_column("email gin_trgm_ops")],
        postgresql_using="gin",
    )


def downgrade() -> None:
    for index in ("ix_users_text", "ix_tickets_text", "ix_tickets_links"):
        op.drop_index(index)
    for table, indexes in PLAIN.items():
        for columns in indexes:
            op.drop_index(name(table, columns))
    op.execute("DROP FUNCTION ticket_text(text, text[])")
    op.execute("DROP EXTENSION pg_trgm")


def name(table: str, columns: list[str]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"
