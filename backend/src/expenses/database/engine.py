"""The tables' base, the engine, and the two ways to talk to the database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, NamedTuple, Self

import asyncpg
from sqlalchemy import Connection, DateTime, Enum, MetaData, Text, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import QueuePool

from expenses.database.readers import Fetch, Noted, Readers, ShortWay
from expenses.database.transactions import SENT_FIRST, Transaction, close, commit
from expenses.errors import CannotStart, DatabaseUnavailable, TooBusy

LARGEST_ID = 2**63 - 1

_AFTER_COMMIT = "after commit"
_SHORT_WAY = "short way"
_PLANNED_ANEW = "planned anew"
_OUTGOING = "outgoing"

# For a connection, in seconds.
PATIENCE = 10
# Of each kind: for transactions, as many again when many come at once.
MOST_CONNECTIONS = 10
# Of a process: for transactions, twice as many at a rush, and for reads.
CONNECTIONS_OF_A_PROCESS = 3 * MOST_CONNECTIONS

_LIMITS = {
    "statement_timeout": "10s",
    # A writer that waits longer than this for a row gives its connection back and tells the
    # person, so that one slow transaction does not take the whole pool with it.
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "60s",
}

Pooler = Literal["transaction"]
"""What stands between the application and PostgreSQL: a pooler that gives each transaction any of
its connections, so that nothing may be left on one for later."""

_DIRECT: dict[str, Any] = {
    "timeout": PATIENCE,
    "server_settings": {"application_name": "expenses", "timezone": "UTC"} | _LIMITS,
}
# A pooler refuses settings that it does not know how to keep apart. What no transaction limits,
# the driver does.
_POOLED: dict[str, Any] = {
    "timeout": PATIENCE,
    "command_timeout": 10,
    "server_settings": {"application_name": "expenses", "timezone": "UTC"},
    "statement_cache_size": 0,
}
# Of an address, behind the question mark.
_OPTIONS = {
    *("host", "port", "user", "password", "passfile", "ssl", "sslmode"),
    *("direct_tls", "target_session_attrs", "krbsrvname", "gsslib"),
}
# SQLAlchemy keeps prepared statements, too.
_NOTHING_PREPARED = {"prepared_statement_cache_size": 0}

_SET_LIMITS = "SELECT " + ", ".join(
    f"set_config('{name}', '{value}', true)" for name, value in _LIMITS.items()
)

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


Outgoing = Mapping[str, asyncio.Event]
"""The channels by which messages leave, each with what is set once there are new ones."""


def stored_as_text(members: type[StrEnum], name: str) -> Enum:
    """A text column with a CHECK: adding a member later needs no change of a database type."""
    return Enum(
        members,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda enum: [member.value for member in enum],
    )


class PoolUse(NamedTuple):
    """Connections that somebody has, that wait for somebody, and that there may be."""

    used: int
    idle: int
    most: int


class Database:
    """Two kinds of sessions, and a short way past both for the reads that are made most.

    Messages are written for the `channels` alone; without any, none are.
    """

    def __init__(
        self, address: str, pooler: Pooler | None = None, channels: Iterable[str] = ()
    ) -> None:
        self.outgoing: Outgoing = {channel: asyncio.Event() for channel in channels}
        # Called with each of the driver's connections, once it is open.
        self.on_connect: Callable[[Any], None] = lambda _connection: None
        # And with each statement of which those connections do not tell.
        self.on_prepared: Callable[[Noted], None] = lambda _noted: None
        connect_args = _DIRECT if pooler is None else _POOLED
        self.engine = create_async_engine(
            asyncpg_url(address),
            pool_size=MOST_CONNECTIONS,
            max_overflow=MOST_CONNECTIONS,
            pool_timeout=PATIENCE,
            connect_args=connect_args if pooler is None else connect_args | _NOTHING_PREPARED,
        )
        _, address_args = self.engine.dialect.create_connect_args(self.engine.url)
        self._connect_args = {**address_args, **connect_args}
        self._readers: Readers | None = None
        event.listen(self.engine.sync_engine, "checkout", _ensure_open)
        event.listen(
            self.engine.sync_engine,
            "connect",
            lambda opened, _record: self.on_connect(opened.driver_connection),
        )
        self._sent_first = None if pooler is None else _SET_LIMITS
        if pooler is not None:
            event.listen(self.engine.sync_engine, "begin", _limit_transaction)
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session that commits at the end, or rolls all of it back when something is raised."""
        session = self._writer_session()
        session.info[_OUTGOING] = self.outgoing
        with translated_errors():
            try:
                yield session
                await commit(session)
            finally:
                await close(session)
        for call in session.info.pop(_AFTER_COMMIT, ()):
            call()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reads alone: without BEGIN and COMMIT, which are two round trips."""
        with translated_errors():
            session = AsyncSession(self._reader, expire_on_commit=False)
            async with ShortWay(self._readers) if self._readers else nullcontext() as short_way:
                if short_way is not None:
                    session.info[_SHORT_WAY] = short_way.fetch
                    session.info[_PLANNED_ANEW] = short_way.fetch_planned_anew
                try:
                    yield session
                finally:
                    await close(session)

    def connections(self) -> dict[str, PoolUse]:
        """How many connections there are right now, by what they are for."""
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        used = {"sessions": PoolUse(pool.checkedout(), pool.checkedin(), 2 * MOST_CONNECTIONS)}
        if self._readers is not None:
            readers = self._readers
            used["reads"] = PoolUse(readers.used, readers.idle, MOST_CONNECTIONS)
        return used

    def _writer_session(self) -> AsyncSession:
        session = AsyncSession(self.engine, sync_session_class=Transaction, expire_on_commit=False)
        session.info[SENT_FIRST] = self._sent_first
        return session

    async def __aenter__(self) -> Self:
        pool = await asyncpg.create_pool(
            min_size=0,
            max_size=MOST_CONNECTIONS,
            init=self._connected,
            reset=_nothing_to_reset,
            **self._connect_args,
        )
        self._readers = Readers(pool, PATIENCE, lambda noted: self.on_prepared(noted))
        return self

    async def _connected(self, connection: Any) -> None:
        self.on_connect(connection)

    async def __aexit__(self, *_: object) -> None:
        if self._readers is not None:
            await self._readers.close()
        await self.engine.dispose()


def short_way_of(session: AsyncSession, *, is_planned_anew: bool = False) -> Fetch | None:
    """A reader's way straight to the driver, on a connection of its own; None in transactions."""
    fetch: Fetch | None = session.info.get(_SHORT_WAY)
    return session.info.get(_PLANNED_ANEW, fetch) if is_planned_anew else fetch


def after_commit(session: AsyncSession, call: Callable[[], None]) -> None:
    """Have something done once the session's transaction has been committed, and only then."""
    session.info.setdefault(_AFTER_COMMIT, []).append(call)


def outgoing_of(session: AsyncSession) -> Outgoing:
    outgoing: Outgoing = session.info.get(_OUTGOING, {})
    return outgoing


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
    if url.query.keys() - _OPTIONS:
        # Not named: in a password, a ? that is not escaped makes an option of what follows.
        raise CannotStart(
            "DATABASE_URL has an option that is not known here. There are %(known)s.",
            known=", ".join(sorted(_OPTIONS)),
        )
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
    except (PoolTimeout, TimeoutError) as error:
        raise TooBusy() from error
    except DBAPIError as error:
        if sqlstate(error) in _BUSY:
            raise TooBusy() from error
        if error.connection_invalidated or _is_unreachable(error.orig):
            raise DatabaseUnavailable() from error
        raise
    except asyncpg.PostgresError as error:
        if error.sqlstate in _BUSY:
            raise TooBusy() from error
        if _is_unreachable(error):
            raise DatabaseUnavailable() from error
        raise
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # The second one where the server has just said good-bye, and a statement crosses that.
        raise DatabaseUnavailable() from error
    except OSError as error:
        raise DatabaseUnavailable() from error


@contextmanager
def explained_problems() -> Iterator[None]:
    """For commands, whose reader is to put the address right. Raises `CannotStart`."""
    try:
        yield
    except (DatabaseUnavailable, DBAPIError) as error:
        raise CannotStart(
            "The database that DATABASE_URL names cannot be used: %(problem)s",
            problem=str(getattr(error, "orig", None) or error.__cause__ or error),
        ) from error


def _limit_transaction(connection: Connection) -> None:
    """What `_DIRECT` says once for each connection; a read without a transaction has no place
    for it."""
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(_SET_LIMITS)


async def _nothing_to_reset(_connection: object) -> None:
    """A read leaves nothing behind, and asking the server for that costs a round trip."""


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
