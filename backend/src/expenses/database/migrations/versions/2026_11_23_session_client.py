"""What a browser or program called itself when somebody logged in with it."""

import sqlalchemy as sa
from alembic import op

revision = "20261123e"
down_revision = "20261123d"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("client", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_sessions_client_length"), "sessions", "length(client) <= 200"
    )


def downgrade() -> None:
    op.drop_column("sessions", "client")
