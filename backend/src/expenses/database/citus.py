"""Distributes a migrated database over the nodes of a Citus cluster.

Users, whom everything is joined with, are copied to every node; the two tables that grow are split
up by their ids. Foreign keys are dropped before and added again after. The catalog tells what is
still to be done, and each step is a transaction of its own: a run that was interrupted can be
repeated.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from expenses.database import migrations
from expenses.database.address import asyncpg_url
from expenses.database.append_only import possible_changes
from expenses.database.distribution import TRIGGERS, Catalog, Step, steps
from expenses.database.engine import Database
from expenses.database.errors import explained_problems
from expenses.errors import CannotStart

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
SELECT count(*) AS all_nodes, count(*) FILTER (WHERE shouldhaveshards) AS takers,
    count(*) FILTER (WHERE groupid = 0) AS coordinators
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
_TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal"
_CHANGES_VIEW = "SELECT relname FROM pg_class WHERE relname = 'ticket_changes' AND relkind = 'v'"
# One for each shard, and none that an event has.
_NEW_EVENT_IDS = """
SELECT min(id) FROM generate_series(-10000, -1) AS id
GROUP BY get_shard_id_for_distribution_column('events', id)
"""


async def distribute(address: str, metadata: MetaData) -> AsyncIterator[str]:
    """Distribute the tables and yield a line for each step; none where all was done before.

    `metadata` has the foreign keys. Raises `CannotStart`; steps done until then stay done.
    """
    with explained_problems(address):
        async with Database(address) as database:
            if not await migrations.is_up_to_date(database):
                raise CannotStart("The database is not up to date. Run `expenses migrate` first.")
            async with _exclusive_connection(address) as connection:
                await _ensure_citus(connection)
                for statement in _SESSION:
                    await connection.exec_driver_sql(statement)
                to_do = steps(await _read_catalog(connection), metadata)
                for step in to_do:
                    if line := await _execute(step, connection):
                        yield line
                event_ids = list(await connection.scalars(text(_NEW_EVENT_IDS)))
            async with database.engine.connect() as connection:
                possible = await possible_changes(connection, event_ids)
        if possible:
            yield (
                f"events: {', '.join(possible)} on the history is not refused; let the application "
                "run as a role of `expenses grant`, which only adds to it"
            )
        elif to_do:
            yield "events: append-only; UPDATE, DELETE and TRUNCATE were tried and refused"


async def _read_catalog(connection: AsyncConnection) -> Catalog:
    async def rows(statement: str) -> list[Any]:
        return [tuple(row) for row in await connection.exec_driver_sql(statement)]

    return Catalog(
        filled=frozenset(table for [table] in await rows(_FILLED)),
        distributed=frozenset(await rows(_DISTRIBUTED)),
        foreign_keys=frozenset(await rows(_FOREIGN_KEYS)),
        triggers=frozenset(name for [name] in await rows(_TRIGGERS)) & TRIGGERS.keys(),
        keeps_sums=not await rows(_CHANGES_VIEW),
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
                raise CannotStart("Another process is distributing this database right now.")
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
    if nodes.all_nodes and not nodes.coordinators:
        raise CannotStart(
            "The coordinator is not a node of the cluster, and so cannot join its own tables with "
            "users. Add it with citus_set_coordinator_host."
        )
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
