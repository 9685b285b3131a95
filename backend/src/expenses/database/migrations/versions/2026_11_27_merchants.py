"""Name the merchant of a ticket, and find tickets by it."""

import sqlalchemy as sa
from alembic import op

revision = "8c1d5e60b2a4"
down_revision = "5f0a9d27c4e8"
branch_labels = None
depends_on = None

TICKET_TEXT = """
CREATE FUNCTION ticket_text(merchant text, description text, links text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(merchant || ' ', '') || description || ' ' || array_to_string(links, ' ');
END
"""
INDEXES = {
    "ix_tickets_folded_merchant": "folded(merchant)",
    "ix_tickets_text_with_merchant": "folded(ticket_text(merchant, description, links))",
}
SEARCHED = "ix_tickets_folded_text"
EARLIER = {SEARCHED: "folded(ticket_text(description, links))"}


def upgrade() -> None:
    op.add_column("tickets", sa.Column("merchant", sa.Text))
    op.create_check_constraint(
        "merchant_length",
        "tickets",
        "length(merchant) BETWEEN 1 AND 120",
        postgresql_not_valid=True,
    )
    op.execute(TICKET_TEXT)
    build(INDEXES)
    # Checked here, where nobody has to wait for it.
    op.execute("ALTER TABLE tickets VALIDATE CONSTRAINT ck_tickets_merchant_length")
    drop(EARLIER)
    op.execute(f"ALTER INDEX ix_tickets_text_with_merchant RENAME TO {SEARCHED}")


def downgrade() -> None:
    drop({**EARLIER, "ix_tickets_folded_merchant": ""})
    build(EARLIER)
    op.execute("DROP FUNCTION ticket_text(text, text, text[])")
    op.drop_constraint("ck_tickets_merchant_length", "tickets")
    op.drop_column("tickets", "merchant")


def build(indexes: dict[str, str]) -> None:
    with op.get_context().autocommit_block():
        # It waits for running transactions, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        for name, text in indexes.items():
            op.execute(
                f"CREATE INDEX CONCURRENTLY {name} ON tickets USING gin ({text} gin_trgm_ops)"
            )
        op.execute("RESET lock_timeout")


def drop(indexes: dict[str, str]) -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        for name in indexes:
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        op.execute("RESET lock_timeout")
