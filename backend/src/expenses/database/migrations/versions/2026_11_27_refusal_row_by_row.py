"""Refuse changes of the history row by row: a shard of a cluster heeds no other trigger."""

from alembic import op

revision = "7c1d09be52a4"
down_revision = "efa42e84d169"
branch_labels = None
depends_on = None


def upgrade() -> None:
    allow_triggers_on_shards()
    op.execute("DROP TRIGGER events_append_only ON events")
    op.execute(
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events"
        " FOR EACH ROW EXECUTE FUNCTION refuse_changes_of_history()"
    )
    op.execute(
        "CREATE TRIGGER events_kept_whole BEFORE TRUNCATE ON events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes_of_history()"
    )


def downgrade() -> None:
    allow_triggers_on_shards()
    op.execute("DROP TRIGGER events_kept_whole ON events")
    op.execute("DROP TRIGGER events_append_only ON events")
    op.execute(
        "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes_of_history()"
    )


def allow_triggers_on_shards() -> None:
    # Without Citus, nothing reads this setting.
    op.execute("SET LOCAL citus.enable_unsafe_triggers TO on")
