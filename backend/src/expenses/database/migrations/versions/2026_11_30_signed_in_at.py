"""Keep when the user of a session has signed in at the issuer of single sign-on."""

import sqlalchemy as sa
from alembic import op

revision = "3f8c12ab96d4"
down_revision = "3f9a6c21d8b7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("signed_in_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("sessions", "signed_in_at")
