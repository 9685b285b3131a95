"""The tables' base, the engine, and the two ways to talk to the database."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Self

import asyncpg
from sqlalchemy import DateTime, MetaData, Text, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from expenses.errors import CannotStart, DatabaseUnavailable, TooBusy

LARGEST_ID = 2**63 - 1

_AFTER_COMMIT = "after commit"
_DRIVER = "driver"

STATEMENT_TIMEOUT = "10s"
# A writer that waits longer than this for a row gives its connection back and tells the person,
# so that one slow transaction does not take the whole pool with it.
LOCK_TIMEOUT = "3s"

# SQLSTATE: lock not available, deadlock, serialization failure, query cancelled (by a timeout).
_BUSY = {"55P03", "40P01", "40001", "57014"}


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), str: Text}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Database:
    """One pool of connections and two kinds of sessions on it."""

    def __init__(self, address: str) -> None:
        self.engine = create_async_engine(
            asyncpg_url(address),
            pool_size=10,
            max_overflow=10,
            pool_timeout=10,
            connect_args={
                "server_settings": {
                    "application_name": "expenses",
                    "statement_timeout": STATEMENT_TIMEOUT,
                    "lock_timeout": LOCK_TIMEOUT,
                    "idle_in_transaction_session_timeout": "60s",
                    "timezone": "UTC",
                },
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _ensure_open)
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end, or rolls all of it back when something is raised."""
        with translated_errors():
            async with self._writer_session() as session:
                yield session
                await session.commit()
        for call in session.info.pop(_AFTER_COMMIT, ()):
            call()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reads alone: without BEGIN and COMMIT, which are two round trips."""
        with translated_errors():
            async with (
                self._reader.connect() as connection,
                AsyncSession(connection, expire_on_commit=False) as session,
            ):
                await allow_short_way(session, connection)
                yield session

    def _writer_session(self) -> AsyncSession:
        return AsyncSession(self.engine, expire_on_commit=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.engine.dispose()


async def allow_short_way(session: AsyncSession, connection: AsyncConnection) -> None:
    session.info[_DRIVER] = (await connection.get_raw_connection()).driver_connection


def driver_of(session: AsyncSession) -> Any:
    """asyncpg's own connection, where nothing stands between: None in a transaction."""
    return session.info.get(_DRIVER)


def after_commit(session: AsyncSession, call: Callable[[], None]) -> None:
    """Have something done once the session's transaction has been committed, and only then."""
    session.info.setdefault(_AFTER_COMMIT, []).append(call)


def asyncpg_url(address: str) -> URL:
    """`address` as PostgreSQL's own tools write it, with the driver that is used here.

    Raises `CannotStart` for anything that is not an address of a PostgreSQL database.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise _unusable_address() from None
    if url.drivername not in {"postgres", "postgresql", "postgresql+asyncpg"} or not url.database:
        raise _unusable_address()
    url = url.set(drivername="postgresql+asyncpg")
    if "sslmode" in url.query:
        url = url.update_query_dict({"ssl": url.query["sslmode"]})
        url = url.difference_update_query(["sslmode"])
    return url


def _unusable_address() -> CannotStart:
    # The address itself is not repeated: it holds a password.
    return CannotStart(
        "DATABASE_URL is not the address of a PostgreSQL database. "
        "It looks like postgresql://user:password@host:5432/name."
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns what the driver raises when the database is away or busy into the product's words."""
    try:
        yield
    except PoolTimeout as error:
        raise TooBusy() from error
    except DBAPIError as error:
        if sqlstate(error) in _BUSY:
            raise TooBusy() from error
        if error.connection_invalidated or _is_unreachable(error.orig):
            raise DatabaseUnavailable() from error
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if getattr(error, "sqlstate", None) in _BUSY:
            raise TooBusy() from error
        if isinstance(error, asyncpg.InterfaceError) or _is_unreachable(error):
            raise DatabaseUnavailable() from error
        raise
    except OSError as error:
        raise DatabaseUnavailable() from error


def _ensure_open(connection: Any, _record: object, _proxy: object) -> None:
    """A connection that the server has closed meanwhile is replaced, and nobody notices."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError()


def sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _is_unreachable(error: Any) -> bool:
    """SQLSTATE classes 08 (connection) and 57P (shutting down, starting up), 53300 (too many)."""
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith(("08", "57P")) or state == "53300" or isinstance(error, OSError)
