"""One engine: connections for reads, and transactions for writes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import QueuePool

from expenses.database.address import asyncpg_url
from expenses.database.errors import translated_errors
from expenses.settings import Pooler

# How long, in seconds, to wait for a new connection or for a free one in the pool.
CONNECT_TIMEOUT = 10
POOL_SIZE = 10
# More when many requests come at once; closed again when they are done.
POOL_OVERFLOW = 10
CONNECTIONS_PER_PROCESS = POOL_SIZE + POOL_OVERFLOW
# Older connections are replaced: something on the way may have cut them without a word.
_POOL_RECYCLE_SECONDS = 300

_LIMITS = {
    "statement_timeout": "10s",
    # A writer that waits longer than this for a row gives its connection back and tells the
    # person, so that one slow transaction does not take the whole pool with it.
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "60s",
}
# Statements are short: starting other processes for one, or compiling it, takes longer than it.
_ALONE = {"max_parallel_workers_per_gather": "0", "jit": "off"}
_SET_LIMITS = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in _LIMITS.items()
)

_DIRECT: dict[str, Any] = {
    "timeout": CONNECT_TIMEOUT,
    "server_settings": {
        "application_name": "expenses",
        "timezone": "UTC",
        **_LIMITS,
        **_ALONE,
    },
}
# Nothing may be left on a connection for later: no settings, no prepared statements. What no
# transaction limits, the driver does.
_POOLED: dict[str, Any] = {
    "timeout": CONNECT_TIMEOUT,
    "command_timeout": 10,
    "server_settings": {"application_name": "expenses", "timezone": "UTC"},
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
}

Outgoing = Mapping[str, asyncio.Event]
"""The channels that messages leave by; each event is set once there are new messages."""

_AFTER_COMMIT = "after commit"
_OUTGOING = "outgoing"


class PoolUse(NamedTuple):
    used: int
    idle: int
    limit: int


class Database:
    """Messages are written for `channels` alone; without any, none are."""

    def __init__(
        self, address: str, pooler: Pooler | None = None, channels: Iterable[str] = ()
    ) -> None:
        self.outgoing: Outgoing = {channel: asyncio.Event() for channel in channels}
        self.engine = create_async_engine(
            asyncpg_url(address),
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=CONNECT_TIMEOUT,
            pool_recycle=_POOL_RECYCLE_SECONDS,
            pool_use_lifo=True,
            connect_args=_DIRECT if pooler is None else _POOLED,
        )
        event.listen(self.engine.sync_engine, "checkout", _ensure_open)
        if pooler is not None:
            event.listen(self.engine.sync_engine, "begin", _limit_transaction)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for reads alone: without BEGIN and COMMIT, which are round trips."""
        with translated_errors():
            async with self.connect() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Commit at the end, or roll all of it back when something is raised."""
        calls: list[Callable[[], None]] = []
        with translated_errors():
            async with self.begin() as connection:
                connection.info.update({_AFTER_COMMIT: calls, _OUTGOING: self.outgoing})
                yield connection
        for call in calls:
            call()

    def connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._autocommit.connect()

    def begin(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self.engine.begin()

    def connections(self) -> PoolUse:
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        return PoolUse(pool.checkedout(), pool.checkedin(), CONNECTIONS_PER_PROCESS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.dispose()


def after_commit(connection: AsyncConnection, call: Callable[[], None]) -> None:
    """Call back once the transaction has been committed, and only then."""
    connection.info[_AFTER_COMMIT].append(call)


def outgoing_of(connection: AsyncConnection) -> Outgoing:
    outgoing: Outgoing = connection.info[_OUTGOING]
    return outgoing


def _limit_transaction(connection: Connection) -> None:
    """Set for a transaction behind a pooler what `_DIRECT` sets for a whole connection."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(_SET_LIMITS)


def _ensure_open(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that the server has closed meanwhile."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError()
