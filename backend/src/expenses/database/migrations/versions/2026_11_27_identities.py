"""Keep what tells users apart: the e-mail whatever its case, and what the username looks like."""

import unicodedata

import disarm
import sqlalchemy as sa
from alembic import op

revision = "b41f6d0c7e93"
down_revision = "b1c84e6f0d35"
branch_labels = None
depends_on = None

BATCH = 1000
USERS = sa.table(
    "users",
    *(
        sa.column(name)
        for name in ("id", "email", "email_identity", "username", "username_skeleton")
    ),
)


def upgrade() -> None:
    # They stay empty for users who register with the version before this one.
    op.add_column("users", sa.Column("email_identity", sa.Text))
    op.add_column("users", sa.Column("username_skeleton", sa.Text))
    fill_in()
    for name in ("email_identity", "username_skeleton"):
        op.create_index(
            f"uq_users_{name}",
            "users",
            [name],
            unique=True,
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )


def downgrade() -> None:
    op.drop_column("users", "username_skeleton")
    op.drop_column("users", "email_identity")


def fill_in() -> None:
    """The first who has an identity or a look keeps it; who shares it stays without."""
    connection = op.get_bind()
    identities: set[str] = set()
    skeletons: set[str] = set()
    last = 0
    while users := connection.execute(
        sa.select(USERS).where(USERS.c.id > last).order_by(USERS.c.id).limit(BATCH)
    ).all():
        last = users[-1].id
        changes = [
            {
                "user": user.id,
                "identity": first(email_identity(user.email), identities),
                "skeleton": first(username_skeleton(user.username), skeletons),
            }
            for user in users
        ]
        connection.execute(
            sa.update(USERS)
            .where(USERS.c.id == sa.bindparam("user"))
            .values(
                email_identity=sa.bindparam("identity"), username_skeleton=sa.bindparam("skeleton")
            ),
            changes,
        )


def email_identity(email: str) -> str:
    folded = unicodedata.normalize("NFKC", email).strip().upper().casefold()
    return unicodedata.normalize("NFKC", folded.replace("i\u0307", "i"))


def username_skeleton(username: str) -> str:
    return disarm.skeleton_key(username.casefold()).translate(str.maketrans("i1|0", "lllo"))


def first(key: str, seen: set[str]) -> str | None:
    if key in seen:
        return None
    seen.add(key)
    return key
