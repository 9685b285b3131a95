"""Distributes a migrated database over the nodes of a Citus cluster.

Tables that everything is joined with are copied to every node; the two that grow are split up by
their ids. Foreign keys are dropped before and added again after. The catalog tells what is still
to be done, and each step is a transaction of its own: a run that was interrupted can be repeated.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ForeignKeyConstraint, MetaData, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import AddConstraint

from expenses.database import migrations
from expenses.database.address import asyncpg_url
from expenses.database.engine import Database
from expenses.database.errors import explained_problems
from expenses.errors import CannotStart

DISTRIBUTED_BY = "id"


class TableType(StrEnum):
    # As Citus itself calls them; a local table is one that it does not know.
    REFERENCE = "reference"
    DISTRIBUTED = "distributed"
    LOCAL = "local"


# A test holds that every table is here.
TABLE_TYPES = {
    "users": TableType.REFERENCE,
    "sessions": TableType.REFERENCE,
    "pending_registrations": TableType.REFERENCE,
    "attempts": TableType.REFERENCE,
    "idempotency_keys": TableType.REFERENCE,
    "tickets": TableType.DISTRIBUTED,
    "events": TableType.DISTRIBUTED,
    # Its rows are claimed with FOR UPDATE SKIP LOCKED. Anywhere but on the coordinator that would
    # lock the whole table, or be refused.
    "outbox": TableType.LOCAL,
    "alembic_version": TableType.LOCAL,
}

# Indexes use these, so every node needs them. Citus copies what it sees a table needs by itself,
# and says so where it cannot: these may be refused.
PREREQUISITES = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "SELECT create_distributed_function('ticket_text(text, text[])')",
)

# Any number that nobody else uses will do.
_LOCK = 7_301_157

_SESSION = (
    "SET statement_timeout TO 0",
    "SET lock_timeout TO 0",
    # Rows are locked in one place; Citus refuses to lock what it keeps twice.
    "SET citus.shard_replication_factor TO 1",
    # Citus fears triggers that read or write other rows. The one of the history only refuses.
    "SET citus.enable_unsafe_triggers TO on",
)

_EXTENSION = """
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS is_there,
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citus') AS is_available
"""
_NODES = """
SELECT count(*) AS all_nodes, count(*) FILTER (WHERE shouldhaveshards) AS takers
FROM pg_dist_node WHERE isactive AND noderole = 'primary'
"""
_FILLED = """
SELECT relname FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
"""
_DISTRIBUTED = """
SELECT relname, citus_table_type FROM citus_tables JOIN pg_class ON oid = table_name::oid
WHERE relnamespace = current_schema()::regnamespace
"""
_FOREIGN_KEYS = """
SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype = 'f' AND relnamespace = current_schema()::regnamespace
"""
_TRIGGERS = """
SELECT tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass AND tgname = 'events_append_only'
"""


class Step(NamedTuple):
    """A statement, what to say once it is done, and what to say where it may be refused."""

    statement: str
    done: str | None = None
    refused: str | None = None


_ADD_TRIGGER = Step(
    "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes_of_history()",
    "events: append-only by its trigger, on every node",
    "events: without its trigger, which Citus refused; let the application run as a role of "
    "`expenses grant`, which only adds to the history",
)


@dataclass(frozen=True)
class Catalog:
    """What the database says of the application's tables and foreign keys.

    `filled` tables have rows on this node, which stay there, out of sight, when they are copied.
    """

    filled: frozenset[str]
    distributed: frozenset[tuple[str, str]]
    foreign_keys: frozenset[tuple[str, str]]
    has_trigger: bool

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


async def distribute(address: str, metadata: MetaData) -> AsyncIterator[str]:
    """Distribute the tables and yield a line for each step; none where all was done before.

    `metadata` has the foreign keys. Raises `CannotStart`; steps done until then stay done.
    """
    with explained_problems():
        async with Database(address) as database:
            if not await migrations.is_up_to_date(database):
                raise CannotStart("The database is not up to date. Run `expenses migrate` first.")
        async with _exclusive_connection(address) as connection:
            await _ensure_citus(connection)
            for statement in _SESSION:
                await connection.exec_driver_sql(statement)
            for step in steps(await _read_catalog(connection), metadata):
                if line := await _execute(step, connection):
                    yield line


def steps(catalog: Catalog, metadata: MetaData) -> list[Step]:
    """List everything that is still to be done, in order."""
    waiting, to_clear = catalog.waiting, catalog.to_clear
    keys = _foreign_keys(metadata)
    to_drop = [
        key
        for key in keys
        if _id(key) in catalog.foreign_keys
        and (not _can_be_kept(key) or {key.table.name, key.referred_table.name} & set(waiting))
    ]
    kept = catalog.foreign_keys - {_id(key) for key in to_drop}
    to_add = [key for key in keys if _can_be_kept(key) and _id(key) not in kept]
    drops_trigger = catalog.has_trigger and "events" in {*waiting, *to_clear}
    return [
        *([Step("DROP TRIGGER events_append_only ON events")] if drops_trigger else []),
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
        *([_ADD_TRIGGER] if drops_trigger or not catalog.has_trigger else []),
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
    """Citus checks a key to a reference table; a row of a distributed one may be elsewhere."""
    kinds = TABLE_TYPES[key.table.name], TABLE_TYPES[key.referred_table.name]
    return kinds[1] is TableType.REFERENCE or kinds == (TableType.LOCAL, TableType.LOCAL)


def _describe(key: ForeignKeyConstraint) -> str:
    columns = ", ".join(column.name for column in key.columns)
    return f"{key.table.name}: {columns} in {key.referred_table.name}"


def _drop(key: ForeignKeyConstraint) -> Step:
    statement = f"ALTER TABLE {key.table.name} DROP CONSTRAINT {key.name}"
    if _can_be_kept(key):
        return Step(statement)
    return Step(statement, f"{_describe(key)} is no longer checked: it may be on another node")


def _distribute_table(table: str) -> Step:
    if TABLE_TYPES[table] is TableType.REFERENCE:
        return Step(f"SELECT create_reference_table('{table}')", f"{table}: a copy on every node")
    return Step(
        f"SELECT create_distributed_table('{table}', '{DISTRIBUTED_BY}')",
        f"{table}: split up by {DISTRIBUTED_BY}",
    )


def _add(key: ForeignKeyConstraint) -> str:
    adding = AddConstraint(key, isolate_from_table=False)
    return str(adding.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


async def _read_catalog(connection: AsyncConnection) -> Catalog:
    async def rows(statement: str) -> list[Any]:
        return [tuple(row) for row in await connection.exec_driver_sql(statement)]

    return Catalog(
        filled=frozenset(table for [table] in await rows(_FILLED)),
        distributed=frozenset(await rows(_DISTRIBUTED)),
        foreign_keys=frozenset(await rows(_FOREIGN_KEYS)),
        has_trigger=bool(await rows(_TRIGGERS)),
    )


@asynccontextmanager
async def _exclusive_connection(address: str) -> AsyncIterator[AsyncConnection]:
    """Open a connection for one run at a time, with each statement a transaction of its own."""
    engine = create_async_engine(
        asyncpg_url(address), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    try:
        async with engine.connect() as connection:
            if not await connection.scalar(text(f"SELECT pg_try_advisory_lock({_LOCK})")):
                raise CannotStart("Somebody else is distributing this database right now.")
            yield connection
    finally:
        await engine.dispose()


async def _ensure_citus(connection: AsyncConnection) -> None:
    extension = (await connection.exec_driver_sql(_EXTENSION)).one()
    if not extension.is_available and not extension.is_there:
        raise CannotStart(
            "This PostgreSQL has no extension Citus, which keeps a database on several machines. "
            "Use one that has it, as its coordinator."
        )
    if not extension.is_there:
        raise CannotStart(
            "The extension Citus is not in this database. Have a superuser run "
            "CREATE EXTENSION citus on every node, and citus_add_node for each on the coordinator."
        )
    nodes = (await connection.exec_driver_sql(_NODES)).one()
    if nodes.all_nodes and not nodes.takers:
        raise CannotStart(
            "No node of the cluster takes a part of a table. Add one with citus_add_node, or let "
            "this one do it, with citus_set_node_property(…, 'shouldhaveshards', true)."
        )


async def _execute(step: Step, connection: AsyncConnection) -> str | None:
    try:
        await connection.exec_driver_sql(step.statement)
    except DBAPIError as error:
        if step.refused is not None:
            return step.refused
        raise CannotStart(
            "The database refused “%(statement)s”: %(problem)s. What was done before stays; put it "
            "right and run this again.",
            statement=step.statement,
            problem=str(error.orig).rstrip("."),
        ) from error
    return step.done
