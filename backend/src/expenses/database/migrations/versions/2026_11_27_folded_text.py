"""Search without regard to case, accents and kinds of apostrophes, through indexes of such text."""

# ruff: noqa: RUF001, since this is about characters that are easily confused.

from alembic import op

revision = "d90c2e71a5f8"
down_revision = "b41f6d0c7e93"
branch_labels = None
depends_on = None

# `i18n.text.folded` does the same. Most text is plain ASCII, which needs little of it; and in this
# language the function then takes as long as ILIKE did, about a microsecond.
FOLDED = r"""
CREATE FUNCTION folded(written text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1 AS $$
BEGIN
    IF octet_length(written) = length(written) THEN
        RETURN replace(lower(written), '`', '''');
    END IF;
    RETURN translate(
        regexp_replace(
            normalize(replace(replace(lower(written), '´', ''''), 'ß', 'ss'), NFKD),
            '[\u0300-\u036f]+', '', 'g'
        ),
        'øłđıς’‘ʼ`', 'oldiσ'''''''''
    );
END
$$
"""
INDEXES = {
    "ix_tickets_folded_text": "tickets USING gin (folded(ticket_text(description, links)) gin_trgm_ops)",
    "ix_users_folded_text": "users USING gin (folded(username) gin_trgm_ops, folded(email) gin_trgm_ops)",
    "ix_users_folded_username": "users (folded(username))",
}
EARLIER = {
    "ix_tickets_text": "tickets USING gin (ticket_text(description, links) gin_trgm_ops)",
    "ix_users_text": "users USING gin (username gin_trgm_ops, email gin_trgm_ops)",
    "ix_users_username": "users (lower(username))",
}


def upgrade() -> None:
    op.execute(FOLDED)
    replace(EARLIER, INDEXES)


def downgrade() -> None:
    replace(INDEXES, EARLIER)
    op.execute("DROP FUNCTION folded(text)")


def replace(old: dict[str, str], new: dict[str, str]) -> None:
    with op.get_context().autocommit_block():
        # It waits for running transactions, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        for name, columns in new.items():
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        for name in old:
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        op.execute("RESET lock_timeout")
