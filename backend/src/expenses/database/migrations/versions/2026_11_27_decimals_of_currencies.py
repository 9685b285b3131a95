"""Let amounts have the decimals of their currency: none in yen, three in Kuwaiti dinars."""

import sqlalchemy as sa
from alembic import op

revision = "3e5b8a90c6d1"
down_revision = "7c1d09be52a4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a scale no row has to be written again, and no index built.
    op.alter_column("tickets", "amount", type_=sa.Numeric)
    op.execute(
        "ALTER TABLE tickets ADD CONSTRAINT ck_tickets_amount_size"
        " CHECK (amount < 10000000000 AND scale(amount) <= 3) NOT VALID"
    )
    op.execute("ALTER TABLE tickets VALIDATE CONSTRAINT ck_tickets_amount_size")


def downgrade() -> None:
    op.execute("ALTER TABLE tickets DROP CONSTRAINT ck_tickets_amount_size")
    op.alter_column("tickets", "amount", type_=sa.Numeric(12, 2))
