"""Spreads a migrated database over the machines of a Citus cluster.

Tables that everything is joined with are copied to every node, the two that grow are split up by
their ids. Foreign keys are taken off before and put back after. What is to be done is read from the
catalogue: each step is a transaction of its own, and running it again goes on where it was ended.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ForeignKeyConstraint, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import AddConstraint

import expenses.history
import expenses.tickets.models
import expenses.users.models  # noqa: F401
from expenses.database import migrations
from expenses.database.address import asyncpg_url
from expenses.database.engine import Database
from expenses.database.errors import explained_problems
from expenses.database.tables import Base
from expenses.errors import CannotStart

DISTRIBUTED_BY = "id"


class Place(StrEnum):
    # As Citus itself calls them; a local table is one that it does not know.
    REFERENCE = "reference"
    DISTRIBUTED = "distributed"
    LOCAL = "local"


# A test holds that every table has one.
PLACES = {
    "users": Place.REFERENCE,
    "sessions": Place.REFERENCE,
    "pending_registrations": Place.REFERENCE,
    "attempts": Place.REFERENCE,
    "idempotency_keys": Place.REFERENCE,
    "tickets": Place.DISTRIBUTED,
    "events": Place.DISTRIBUTED,
    # Its rows are taken with FOR UPDATE SKIP LOCKED, by whoever is first. Elsewhere than on the
    # coordinator that would lock the whole table, or be refused.
    "outbox": Place.LOCAL,
    "alembic_version": Place.LOCAL,
}

_DONE = {
    Place.REFERENCE: "a copy on every node",
    Place.DISTRIBUTED: f"split up by {DISTRIBUTED_BY}",
}

# What indexes use, and so has to be on every node.
NEEDED = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "SELECT create_distributed_function('ticket_text(text, text[])')",
)

_TRIGGER = "events_append_only"
_DROP_TRIGGER = f"DROP TRIGGER {_TRIGGER} ON events"
_CREATE_TRIGGER = (
    f"CREATE TRIGGER {_TRIGGER} BEFORE UPDATE OR DELETE OR TRUNCATE ON events"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_changes_of_history()"
)

# Any number will do as long as nobody else uses it.
_LOCK = 7_301_156

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
_TABLES = """
SELECT relname, pg_relation_size(oid) > 0 FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
"""
_PLACED = """
SELECT relname, citus_table_type FROM citus_tables JOIN pg_class ON oid = table_name::oid
WHERE relnamespace = current_schema()::regnamespace
"""
_KEYS = """
SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype = 'f' AND relnamespace = current_schema()::regnamespace
"""
_HAS_TRIGGER = """
SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'events'::regclass AND tgname = :name)
"""


@dataclass(frozen=True)
class Found:
    """What the catalogue says of the application's tables.

    `filled` have rows of their own on this node, which a table that is spread keeps, out of sight.
    """

    tables: frozenset[str]
    filled: frozenset[str]
    placed: frozenset[tuple[str, str]]
    keys: frozenset[tuple[str, str]]
    has_trigger: bool

    @property
    def unplaced(self) -> list[str]:
        return [
            table
            for table, place in PLACES.items()
            if place is not Place.LOCAL
            and table in self.tables
            and (table, place.value) not in self.placed
        ]


class Step(NamedTuple):
    """A statement, what to say once it is carried out, and what to say where it may be refused."""

    statement: str
    done: str | None = None
    refused: str | None = None


async def distribute(address: str) -> AsyncIterator[str]:
    """Says what it has done, line by line; nothing where all was done before.

    Raises `CannotStart`; what was done until then stays, and is not done again.
    """
    with explained_problems():
        async with Database(address) as database:
            if not await migrations.is_up_to_date(database):
                raise CannotStart("The database is not up to date. Run `expenses migrate` first.")
        async with _alone(address) as connection:
            await _ensure_citus(connection)
            for statement in _SESSION:
                await connection.exec_driver_sql(statement)
            for step in steps(await look(connection)):
                if line := await _carry_out(step, connection):
                    yield line


def steps(found: Found) -> list[Step]:
    """All that is still to be done, in its order."""
    unplaced = set(found.unplaced)
    keys = [key for key in _keys() if key.table.name in found.tables]
    off = [
        key
        for key in keys
        if _id(key) in found.keys
        and (not _can_be_kept(key) or {key.table.name, key.referred_table.name} & unplaced)
    ]
    left = found.keys - {_id(key) for key in off}
    on = [key for key in keys if _can_be_kept(key) and _id(key) not in left]
    clears = [table for table in PLACES if table in found.filled and _is_spread(table)]
    takes_trigger_off = found.has_trigger and bool({"events"} & (unplaced | set(clears)))
    return [
        *([Step(_DROP_TRIGGER)] if takes_trigger_off else []),
        *(Step(_dropping(key), _left_off(key)) for key in off),
        # Citus does this by itself for what it sees a table needs, and says so where it cannot.
        *(Step(statement, refused="") for statement in NEEDED if unplaced),
        *(Step(_placing(table), f"{table}: {_DONE[PLACES[table]]}") for table in found.unplaced),
        *(
            Step(
                f"SELECT truncate_local_data_after_distributing_table('{table}')",
                f"{table}: its rows were moved",
            )
            for table in clears
        ),
        *(Step(_adding(key), f"{_told(key)} is checked") for key in on),
        *(Step(f"ANALYZE {table}") for table in clears),
        *(_trigger_steps() if takes_trigger_off or not found.has_trigger else ()),
    ]


async def look(connection: AsyncConnection) -> Found:
    async def pairs(statement: str) -> list[Any]:
        return [tuple(row) for row in await connection.exec_driver_sql(statement)]

    tables = await pairs(_TABLES)
    has_trigger = await connection.scalar(text(_HAS_TRIGGER), {"name": _TRIGGER})
    return Found(
        tables=frozenset(table for table, _ in tables),
        filled=frozenset(table for table, is_filled in tables if is_filled),
        placed=frozenset(await pairs(_PLACED)),
        keys=frozenset(await pairs(_KEYS)),
        has_trigger=bool(has_trigger),
    )


# The steps


def _is_spread(table: str) -> bool:
    return PLACES[table] is not Place.LOCAL


def _keys() -> list[ForeignKeyConstraint]:
    return [
        constraint
        for table in Base.metadata.sorted_tables
        for constraint in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    ]


def _id(key: ForeignKeyConstraint) -> tuple[str, str]:
    return key.table.name, str(key.name)


def _can_be_kept(key: ForeignKeyConstraint) -> bool:
    """To what is on every node from anywhere; what is split up lies elsewhere than its referrer."""
    places = PLACES[key.table.name], PLACES[key.referred_table.name]
    return places[1] is Place.REFERENCE or places == (Place.LOCAL, Place.LOCAL)


def _told(key: ForeignKeyConstraint) -> str:
    columns = ", ".join(column.name for column in key.columns)
    return f"{key.table.name}: {columns} in {key.referred_table.name}"


def _left_off(key: ForeignKeyConstraint) -> str | None:
    if _can_be_kept(key):
        return None
    return f"{_told(key)} is no longer checked: it may be on another node"


def _dropping(key: ForeignKeyConstraint) -> str:
    return f"ALTER TABLE {key.table.name} DROP CONSTRAINT {key.name}"


def _placing(table: str) -> str:
    if PLACES[table] is Place.REFERENCE:
        return f"SELECT create_reference_table('{table}')"
    return f"SELECT create_distributed_table('{table}', '{DISTRIBUTED_BY}')"


def _adding(key: ForeignKeyConstraint) -> str:
    adding = AddConstraint(key, isolate_from_table=False)
    return str(adding.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def _trigger_steps() -> Iterator[Step]:
    yield Step(
        _CREATE_TRIGGER,
        "events: append-only by its trigger, on every node",
        "events: without its trigger, which Citus refused; let the application run as a role of "
        "`expenses grant`, which only adds to the history",
    )


# The database


@asynccontextmanager
async def _alone(address: str) -> AsyncIterator[AsyncConnection]:
    """A connection without time limits, each of whose statements is a transaction."""
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


async def _carry_out(step: Step, connection: AsyncConnection) -> str | None:
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
