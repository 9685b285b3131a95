"""Create the tables, their indexes, and the trigger that keeps the history append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "efa42e84d169"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("now()")

LINKS_ARE_WEB_ADDRESSES = (
    "cardinality(links) <= 10"
    " AND length(array_to_string(links, '')) <= 20000"
    " AND array_to_string(links, ' ', ' ') ~* '^(https?://[^ ]+( |$))*$'"
)
DECISION_COMPLETE = (
    "(status IN ('approved', 'denied')) = (decided_by_id IS NOT NULL)"
    " AND (decided_by_id IS NULL) = (decided_at IS NULL)"
    " AND (decided_by_id IS NOT NULL OR decision_reason IS NULL)"
    " AND (status <> 'denied' OR decision_reason IS NOT NULL)"
    " AND length(decision_reason) BETWEEN 1 AND 500"
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    create_users()
    create_sessions()
    create_tickets()
    create_ticket_indexes()
    create_idempotency_keys()
    create_events()
    create_outbox()


def downgrade() -> None:
    for table in (
        "outbox",
        "events",
        "idempotency_keys",
        "tickets",
        "attempts",
        "pending_registrations",
        "sessions",
        "users",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_changes_of_history()")
    op.execute("DROP FUNCTION ticket_text(text, text[])")
    op.execute("DROP EXTENSION pg_trgm")


def create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("role", one_of("employee", "employer", name="role"), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("suspended_at", INSTANT),
        sa.Column("decisions_seen_at", INSTANT),
        sa.Column("gets_mails", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("digest_on", sa.Date),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("length(email) BETWEEN 3 AND 254", name="email_length"),
        sa.CheckConstraint("length(username) BETWEEN 1 AND 80", name="username_length"),
        sa.CheckConstraint(
            "suspended_at IS NULL OR role = 'employee'", name="only_employees_are_suspended"
        ),
    )
    op.create_index("uq_users_email", "users", [sa.text("lower(email)")], unique=True)
    op.create_index("ix_users_username", "users", [sa.text("lower(username)")])
    op.create_index("ix_users_role_id", "users", ["role", "id"])
    op.create_index(
        "ix_users_suspended", "users", ["id"], postgresql_where="suspended_at IS NOT NULL"
    )
    op.create_index(
        "ix_users_text",
        "users",
        ["username", "email"],
        postgresql_using="gin",
        postgresql_ops={"username": "gin_trgm_ops", "email": "gin_trgm_ops"},
    )


def create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("last_seen_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("idle_for", sa.Interval, nullable=False),
        sa.Column("client", sa.Text),
        sa.CheckConstraint("length(client) <= 200", name="client_length"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "pending_registrations",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
    )
    op.create_index("ix_pending_registrations_expires_at", "pending_registrations", ["expires_at"])
    op.create_table(
        "attempts",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("forgotten_at", INSTANT, nullable=False),
    )
    op.create_index("ix_attempts_forgotten_at", "attempts", ["forgotten_at"])


def create_tickets() -> None:
    categories = ("travel", "lodging", "meals", "equipment", "software", "training", "other")
    statuses = ("pending", "approved", "denied", "withdrawn")
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("owner_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("spent_on", sa.Date, nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("category", one_of(*categories, name="category"), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("links", sa.ARRAY(sa.Text), server_default="{}", nullable=False),
        sa.Column(
            "status", one_of(*statuses, name="status"), server_default="pending", nullable=False
        ),
        sa.Column("decided_by_id", sa.BigInteger, sa.ForeignKey("users.id")),
        sa.Column("decided_at", INSTANT),
        sa.Column("decision_reason", sa.Text),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("updated_at", INSTANT, server_default=NOW, nullable=False),
        sa.CheckConstraint("amount > 0", name="amount_positive"),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        sa.CheckConstraint("length(description) BETWEEN 1 AND 500", name="description_length"),
        sa.CheckConstraint(
            "spent_on <= (created_at AT TIME ZONE 'UTC')::date + 2", name="spent_on_not_later"
        ),
        sa.CheckConstraint(LINKS_ARE_WEB_ADDRESSES, name="links_are_web_addresses"),
        sa.CheckConstraint(DECISION_COMPLETE, name="decision_complete"),
    )


def create_ticket_indexes() -> None:
    for columns in (
        ["status", "id"],
        ["spent_on", "id"],
        ["status", "spent_on", "id"],
        ["amount", "id"],
        ["status", "amount", "id"],
        ["owner_id", "id"],
        ["owner_id", "status", "id"],
        ["owner_id", "spent_on", "amount"],
    ):
        op.create_index(f"ix_tickets_{'_'.join(columns)}", "tickets", columns)
    op.create_index(
        "ix_tickets_overview",
        "tickets",
        ["status", "spent_on"],
        postgresql_include=["currency", "amount", "category", "owner_id"],
    )
    op.create_index("ix_tickets_links", "tickets", ["links"], postgresql_using="gin")
    # An index needs an immutable function, and array_to_string is not immutable for every type.
    op.execute(
        "CREATE FUNCTION ticket_text(description text, links text[]) RETURNS text"
        " LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        " AS $$ SELECT description || ' ' || array_to_string(links, ' ') $$"
    )
    op.create_index(
        "ix_tickets_text",
        "tickets",
        [sa.text("ticket_text(description, links) gin_trgm_ops")],
        postgresql_using="gin",
    )


def create_idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("actor_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("ticket_id", sa.BigInteger, sa.ForeignKey("tickets.id")),
        sa.Column("owner_id", sa.BigInteger),
        sa.Column("user_id", sa.BigInteger, sa.ForeignKey("users.id")),
        sa.Column("details", postgresql.JSONB, server_default="{}", nullable=False),
        sa.CheckConstraint("(ticket_id IS NULL) = (owner_id IS NULL)", name="ticket_has_owner"),
    )
    for columns in (["ticket_id", "id"], ["user_id", "id"], ["actor_id", "id"], ["action", "id"]):
        op.create_index(f"ix_events_{'_'.join(columns)}", "events", columns)
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index(
        "ix_events_denials",
        "events",
        ["actor_id", "id"],
        postgresql_where="action = 'ticket.denied'",
    )
    op.execute(
        "CREATE FUNCTION refuse_changes_of_history() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the history is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes_of_history()"
    )


def create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("channel", one_of("mail", "webhook", name="channel"), nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("event_id", sa.BigInteger),
        sa.Column("actor_id", sa.BigInteger),
        sa.Column("ticket_id", sa.BigInteger),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("facts", postgresql.JSONB, server_default="{}", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("due_at", INSTANT, server_default=NOW, nullable=False),
        sa.Column("attempts", sa.Integer, server_default="0", nullable=False),
        sa.Column(
            "state",
            one_of("waiting", "failed", name="state"),
            server_default="waiting",
            nullable=False,
        ),
        sa.Column("problem", sa.Text),
    )
    op.create_index(
        "ix_outbox_due", "outbox", ["channel", "due_at"], postgresql_where="state = 'waiting'"
    )
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"])


def one_of(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)
