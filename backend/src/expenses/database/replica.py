"""A streaming replica, for reads that may miss what was written in the last seconds."""

import asyncio
import logging
import math
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from expenses.database.address import asyncpg_url
from expenses.database.engine import Database
from expenses.errors import ExpensesError
from expenses.settings import Settings

VARIABLE = "DATABASE_REPLICA_URL"
MAX_LAG_SECONDS = 10
# Waiting longer for it would take more time than it saves.
TIMEOUT_SECONDS = 1

_POSITION = """
SELECT system_identifier AS server, current_database() AS database, version_num AS revision,
    pg_current_wal_lsn()::text AS written, now() AS at
FROM pg_control_system(), alembic_version
"""
# What a replica has replayed tells nothing by itself: it may have lost its connection, or nobody
# may have written anything.
_REPLAYED = """
SELECT system_identifier AS server, current_database() AS database, version_num AS revision,
    pg_is_in_recovery() AS is_replica,
    pg_last_wal_replay_lsn() >= CAST(CAST(:written AS text) AS pg_lsn) AS has_all,
    extract(epoch FROM CAST(:at AS timestamptz) - pg_last_xact_replay_timestamp())::float AS lag
FROM pg_control_system(), alembic_version
"""

logger = logging.getLogger(__name__)


class NotAReplica(ExpensesError):
    code = "not-a-replica"
    template = (
        "DATABASE_REPLICA_URL does not lead to a replica of the database in DATABASE_URL. Set up "
        "a replica with pg_basebackup, or remove DATABASE_REPLICA_URL."
    )


class Position(NamedTuple):
    """How far a database was written, and when that was."""

    server: int
    database: str
    revision: str
    written: str
    at: datetime


def open_replica(settings: Settings) -> Database | None:
    """Raises `CannotStart` for what is not an address."""
    if settings.database_replica_url is None:
        return None
    asyncpg_url(settings.database_replica_url, VARIABLE)
    return Database(settings.database_replica_url, settings.database_pooler)


async def is_fresh(replica: Database, database: Database) -> bool:
    """Tell whether the replica can be read from now; where it cannot, the log says why."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            lag = await lag_behind(await position_of(database), replica)
    except (ExpensesError, DBAPIError, TimeoutError) as error:
        logger.warning("The replica is not used: %s %s", type(error).__name__, error)
        return False
    if lag > MAX_LAG_SECONDS:
        logger.warning("The replica is not used: it is %.0f seconds behind", lag)
    return lag <= MAX_LAG_SECONDS


async def position_of(database: Database) -> Position:
    async with database.reading() as connection:
        return Position._make((await connection.execute(text(_POSITION))).one())


async def lag_behind(position: Position, replica: Database) -> float:
    """Measure how many seconds of writes a replica may lack, at most. Raises `NotAReplica`."""
    values = {"written": position.written, "at": position.at}
    async with replica.reading() as connection:
        found = (await connection.execute(text(_REPLAYED), values)).one()
    if not found.is_replica or found[:2] != position[:2]:
        raise NotAReplica()
    if found.has_all:
        return 0
    # Nothing replayed since it started, or not yet the migration that this version needs.
    if found.lag is None or found.revision != position.revision:
        return math.inf
    lag: float = found.lag
    return max(0.0, lag)
