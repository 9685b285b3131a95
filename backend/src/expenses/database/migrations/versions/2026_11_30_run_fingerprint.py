"""Keep what was asked for with the idempotency key of a payment run."""

import sqlalchemy as sa
from alembic import op

revision = "c7f04d9b2e68"
down_revision = "9a3e61d0c7b8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment_runs", sa.Column("fingerprint", sa.LargeBinary))


def downgrade() -> None:
    op.drop_column("payment_runs", "fingerprint")
