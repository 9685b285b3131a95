"""Which table goes where on a Citus cluster, and what is still to be done for it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ForeignKeyConstraint, MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint

DISTRIBUTED_BY = "id"


class TableType(StrEnum):
    # As Citus itself calls them; a local table is one that it does not know.
    REFERENCE = "reference"
    DISTRIBUTED = "distributed"
    LOCAL = "local"


# A test holds that every table is here.
TABLE_TYPES = {
    "users": TableType.REFERENCE,
    "tickets": TableType.DISTRIBUTED,
    "events": TableType.DISTRIBUTED,
    "receipts": TableType.DISTRIBUTED,
    # A run is locked as a whole, with all of its tickets.
    "payment_runs": TableType.LOCAL,
    "payment_lines": TableType.LOCAL,
    "payout_details": TableType.LOCAL,
    # Changing a row of a reference table locks all its rows, on all nodes, until the transaction
    # ends. These are changed all the time, by log-ins and along with other things.
    "sessions": TableType.LOCAL,
    "known_programs": TableType.LOCAL,
    "tokens": TableType.LOCAL,
    "pending_registrations": TableType.LOCAL,
    "attempts": TableType.LOCAL,
    "password_resets": TableType.LOCAL,
    "linked_accounts": TableType.LOCAL,
    "email_changes": TableType.LOCAL,
    "confirmations": TableType.LOCAL,
    "invitations": TableType.LOCAL,
    "passkeys": TableType.LOCAL,
    "recovery_codes": TableType.LOCAL,
    "pending_log_ins": TableType.LOCAL,
    "passkey_challenges": TableType.LOCAL,
    "idempotency_keys": TableType.LOCAL,
    "import_headings": TableType.LOCAL,
    "saved_filters": TableType.LOCAL,
    "ticket_changes": TableType.LOCAL,
    "hidden_in_sums": TableType.LOCAL,
    "sums_by_day": TableType.LOCAL,
    "sums_by_month": TableType.LOCAL,
    "sums_by_employee": TableType.LOCAL,
    "sums_of_due": TableType.LOCAL,
    # Its rows are claimed with FOR UPDATE SKIP LOCKED. Anywhere but on the coordinator that would
    # lock the whole table, or be refused.
    "outbox": TableType.LOCAL,
    "alembic_version": TableType.LOCAL,
}

# Indexes use these, so every node needs them. Citus copies what it sees a table needs by itself,
# and says so where it cannot: these may be refused.
PREREQUISITES = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "SELECT create_distributed_function('ticket_text(text, text, text[])')",
    "SELECT create_distributed_function('folded(text)')",
    "SELECT create_distributed_function('link_key(text)')",
    "SELECT create_distributed_function('link_keys(text[])')",
)

# A shard heeds no trigger FOR EACH STATEMENT, and TRUNCATE has no other.
TRIGGERS = {
    "events_append_only": "BEFORE UPDATE OR DELETE ON events FOR EACH ROW",
    "events_kept_whole": "BEFORE TRUNCATE ON events FOR EACH STATEMENT",
}

# The trigger that notes changes of tickets would do so on every node. Instead, all tickets count as
# changed since the sums, which are empty.
_STOP_NOTING = "DROP TRIGGER IF EXISTS tickets_note_change ON tickets"
NO_SUMS = (
    "DELETE FROM hidden_in_sums",
    "DELETE FROM sums_by_day",
    "DELETE FROM sums_by_month",
    "DELETE FROM sums_by_employee",
    "DELETE FROM sums_of_due",
    "DROP TABLE IF EXISTS ticket_changes",
    """
    CREATE VIEW ticket_changes AS
    SELECT 0::bigint AS id, owner_id, status::text, spent_on, currency, category::text,
        status = 'approved' AND paid_at IS NULL AS is_due, count(*) AS number, sum(amount) AS amount
    FROM tickets WHERE status IN ('pending', 'approved')
    GROUP BY owner_id, status, spent_on, currency, category, is_due
    """,
)


class Step(NamedTuple):
    """A statement, what to say once it is done, and what to say where it may be refused."""

    statement: str
    done: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Catalog:
    """What the database says of the application's tables and foreign keys.

    `filled` tables have rows on this node, which stay there, out of sight, when they are copied.
    Sums are kept as long as changes of tickets are noted in a table, and not seen in a view.
    """

    filled: frozenset[str]
    distributed: frozenset[tuple[str, str]]
    foreign_keys: frozenset[tuple[str, str]]
    triggers: frozenset[str]
    keeps_sums: bool

    @property
    def waiting(self) -> list[str]:
        """The tables that are still to be distributed."""
        return [
            table
            for table, kind in TABLE_TYPES.items()
            if kind is not TableType.LOCAL and (table, kind.value) not in self.distributed
        ]

    @property
    def to_clear(self) -> list[str]:
        """The tables whose rows on this node are to be removed once they are copied."""
        return [
            table
            for table, kind in TABLE_TYPES.items()
            if kind is not TableType.LOCAL and table in self.filled
        ]


def steps(catalog: Catalog, metadata: MetaData) -> list[Step]:
    """List everything that is still to be done, in order."""
    waiting, to_clear = catalog.waiting, catalog.to_clear
    keys = _foreign_keys(metadata)
    to_drop = [
        key
        for key in keys
        if _id(key) in catalog.foreign_keys
        and (not _can_be_kept(key) or {key.table.name, key.referred_table.name} & {*waiting})
    ]
    kept = catalog.foreign_keys - {_id(key) for key in to_drop}
    to_add = [key for key in keys if _can_be_kept(key) and _id(key) not in kept]
    to_replace = catalog.triggers if "events" in {*waiting, *to_clear} else frozenset()
    return [
        *(Step(f"DROP TRIGGER {name} ON events") for name in sorted(to_replace)),
        *(Step(statement) for statement in [_STOP_NOTING] if catalog.keeps_sums),
        *(_drop(key) for key in to_drop),
        *(Step(statement, refused="") for statement in PREREQUISITES if waiting),
        *(_distribute_table(table) for table in waiting),
        *(
            Step(
                f"SELECT truncate_local_data_after_distributing_table('{table}')",
                f"{table}: its rows were moved",
            )
            for table in to_clear
        ),
        *(Step(_add(key), f"{_describe(key)} is checked") for key in to_add),
        *(Step(f"ANALYZE {table}") for table in to_clear),
        *(Step(statement) for statement in NO_SUMS if catalog.keeps_sums),
        *(
            # Where Citus refuses it, the history is protected by rights alone.
            Step(_trigger(name), refused="")
            for name in TRIGGERS
            if name in to_replace or name not in catalog.triggers
        ),
    ]


def _foreign_keys(metadata: MetaData) -> list[ForeignKeyConstraint]:
    return [
        key
        for table in metadata.sorted_tables
        for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    ]


def _id(key: ForeignKeyConstraint) -> tuple[str, str]:
    return key.table.name, str(key.name)


def _can_be_kept(key: ForeignKeyConstraint) -> bool:
    """Citus checks a key to a reference table; a row of a distributed one may be elsewhere.

    A local table that others have keys to it does not change once many shards were read.
    """
    return TABLE_TYPES[key.referred_table.name] is TableType.REFERENCE


def _describe(key: ForeignKeyConstraint) -> str:
    columns = ", ".join(column.name for column in key.columns)
    return f"{key.table.name}: {columns} in {key.referred_table.name}"


def _drop(key: ForeignKeyConstraint) -> Step:
    statement = f"ALTER TABLE {key.table.name} DROP CONSTRAINT {key.name}"
    if _can_be_kept(key):
        return Step(statement)
    return Step(statement, f"{_describe(key)} is no longer checked")


def _distribute_table(table: str) -> Step:
    if TABLE_TYPES[table] is TableType.REFERENCE:
        return Step(f"SELECT create_reference_table('{table}')", f"{table}: a copy on every node")
    return Step(
        f"SELECT create_distributed_table('{table}', '{DISTRIBUTED_BY}')",
        f"{table}: split up by {DISTRIBUTED_BY}",
    )


def _trigger(name: str) -> str:
    function = "refuse_changes_of_history()"
    return f"CREATE TRIGGER {name} {TRIGGERS[name]} EXECUTE FUNCTION {function}"


def _add(key: ForeignKeyConstraint) -> str:
    adding = AddConstraint(key, isolate_from_table=False)
    return str(adding.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
