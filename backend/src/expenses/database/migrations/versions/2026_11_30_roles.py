"""Let roles change and employers leave; nobody decides or pays a ticket of their own."""

import sqlalchemy as sa
from alembic import op

revision = "3f9a6c21d8b7"
down_revision = "9e3b61f0d7a2"
branch_labels = None
depends_on = None

REFUSE = """
CREATE FUNCTION refuse_confirming_own_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM payment_lines WHERE run_id = NEW.id AND owner_id = NEW.confirmed_by_id
    ) THEN
        RAISE EXCEPTION 'nobody confirms a payment to themselves' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.drop_constraint("ck_users_only_employees_are_suspended", "users")
    op.create_check_constraint(
        "not_decided_by_owner", "tickets", "decided_by_id <> owner_id", postgresql_not_valid=True
    )
    op.add_column("payment_lines", sa.Column("paid_by_id", sa.BigInteger))
    op.create_foreign_key(None, "payment_lines", "users", ["paid_by_id"], ["id"])
    op.create_check_constraint("not_paid_by_owner", "payment_lines", "paid_by_id <> owner_id")
    op.execute(REFUSE)
    op.execute(
        "CREATE TRIGGER not_confirmed_by_owner BEFORE UPDATE OF confirmed_by_id ON payment_runs"
        " FOR EACH ROW EXECUTE FUNCTION refuse_confirming_own_payment()"
    )
    with op.get_context().autocommit_block():
        # Checked here, where nobody has to wait for it.
        op.execute("ALTER TABLE tickets VALIDATE CONSTRAINT ck_tickets_not_decided_by_owner")


def downgrade() -> None:
    op.execute("DROP TRIGGER not_confirmed_by_owner ON payment_runs")
    op.execute("DROP FUNCTION refuse_confirming_own_payment()")
    op.drop_constraint("ck_payment_lines_not_paid_by_owner", "payment_lines")
    op.drop_column("payment_lines", "paid_by_id")
    op.drop_constraint("ck_tickets_not_decided_by_owner", "tickets")
    op.create_check_constraint(
        "only_employees_are_suspended", "users", "suspended_at IS NULL OR role = 'employee'"
    )
