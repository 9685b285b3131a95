"""Let the name, the e-mail and the account's history of people who left be erased."""

import sqlalchemy as sa
from alembic import op

revision = "c93a50d7e1b8"
down_revision = "9b3e61d0f7a5"
branch_labels = None
depends_on = None

# An event of an account may lose details. Nothing else of an event ever changes.
REFUSE_CHANGES = """
CREATE OR REPLACE FUNCTION refuse_changes_of_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.action LIKE 'user.%' AND NEW.details <> OLD.details AND OLD.details @> NEW.details
            AND to_jsonb(NEW) - 'details' = to_jsonb(OLD) - 'details'
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the history is append-only';
END $$
"""
REFUSE_ALL_CHANGES = """
CREATE OR REPLACE FUNCTION refuse_changes_of_history() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the history is append-only'; END $$
"""
# With the rights of the tables' owner: the application's own role may not update events.
FORGET = """
CREATE FUNCTION forget_account_details(erased bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    kept text[] := ARRAY['role', 'sessions_ended', 'taken_out_of_payment_runs', 'hidden',
        'invitation', 'invited_by', 'by_command'];
BEGIN
    IF EXISTS (SELECT FROM users WHERE id = erased AND erased_at IS NOT NULL) THEN
        UPDATE events SET details = coalesce(
            (SELECT jsonb_object_agg(key, value) FROM jsonb_each(details) WHERE key = ANY (kept)),
            '{{}}')
        WHERE user_id = erased AND action LIKE 'user.%'
            AND NOT ARRAY(SELECT jsonb_object_keys(details)) <@ kept;
    END IF;
END $$
"""


def upgrade() -> None:
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        "erased_are_suspended", "users", "erased_at IS NULL OR suspended_at IS NOT NULL"
    )
    op.execute(REFUSE_CHANGES)
    schema = op.get_bind().scalar(sa.text("SELECT quote_ident(current_schema())"))
    op.execute(FORGET.format(schema=schema))


def downgrade() -> None:
    op.execute("DROP FUNCTION forget_account_details(bigint)")
    op.execute(REFUSE_ALL_CHANGES)
    op.drop_constraint("ck_users_erased_are_suspended", "users")
    op.drop_column("users", "erased_at")
