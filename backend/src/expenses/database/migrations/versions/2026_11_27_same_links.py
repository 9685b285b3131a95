"""See through what makes two addresses of one page differ, for the hints at shared links."""

from alembic import op

revision = "5f0a9d27c4e8"
down_revision = "d90c2e71a5f8"
branch_labels = None
depends_on = None

# Without scheme, "www.", default port, fragment, tracking parameters and the last slash; the host
# in lower case.
LINK_KEY = r"""
CREATE FUNCTION link_key(link text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bare text := regexp_replace(regexp_replace(link, '#.*$', ''), '^https?://(www\.)?', '', 'i');
    host text := lower(regexp_replace(substring(bare FROM '^[^/?]*'), ':(80|443)$', ''));
    rest text := substring(bare FROM '[/?].*$');
BEGIN
    rest := regexp_replace(
        rest,
        '([?&])(utm_[a-z_]+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_cid|mc_eid|_ga|spm)=[^&]*',
        '\1', 'gi'
    );
    rest := regexp_replace(regexp_replace(rest, '&{2,}', '&', 'g'), '\?&', '?');
    rest := regexp_replace(regexp_replace(rest, '[?&]+$', ''), '/+(\?|$)', '\1');
    RETURN host || coalesce(rest, '');
END
$$
"""
# A body that is parsed here and now finds `link_key` whatever the search path is, as it is while an
# index is built.
LINK_KEYS = """
CREATE FUNCTION link_keys(links text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT ARRAY(SELECT link_key(link) FROM unnest(links) AS link);
END
"""


def upgrade() -> None:
    op.execute(LINK_KEY)
    op.execute(LINK_KEYS)
    replace_index("ix_tickets_links", "ix_tickets_link_keys", "link_keys(links)")


def downgrade() -> None:
    replace_index("ix_tickets_link_keys", "ix_tickets_links", "links")
    op.execute("DROP FUNCTION link_keys(text[])")
    op.execute("DROP FUNCTION link_key(text)")


def replace_index(old: str, new: str, expression: str) -> None:
    with op.get_context().autocommit_block():
        # It waits for running transactions, and nobody waits for it.
        op.execute("SET lock_timeout = 0")
        op.execute(f"CREATE INDEX CONCURRENTLY {new} ON tickets USING gin ({expression})")
        op.execute(f"DROP INDEX CONCURRENTLY {old}")
        op.execute("RESET lock_timeout")
