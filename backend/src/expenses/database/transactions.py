"""Transactions that are begun and ended past SQLAlchemy, which takes longer for either than the
driver for all that is in between. Whatever needs SQLAlchemy finds itself in the same one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.postgresql.asyncpg import (
    AsyncAdapt_asyncpg_connection,
    AsyncAdapt_asyncpg_dbapi,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from expenses.database.readers import Fetch

SENT_FIRST = "sent first"
"""In a session's `info`: the statement that each of its transactions begins with, if any."""


class Transaction(Session):
    """The first statement takes a connection from the engine's pool, whichever way it goes; the
    others go to the same one."""

    opened: PoolProxiedConnection | None = None
    _connection: Connection | None = None

    def open(self) -> PoolProxiedConnection:
        if self.opened is None:
            assert isinstance(self.bind, Engine)
            with _as_the_driver_says():
                self.opened = self.bind.raw_connection()
        return self.opened

    def get_bind(self, *_: Any, **__: Any) -> Connection:
        """What SQLAlchemy sends a statement to."""
        if self._connection is None:
            assert isinstance(self.bind, Engine)
            self._connection = Connection(self.bind, self.open())
        return self._connection

    def commit(self) -> None:
        if self.in_transaction():
            super().commit()
        if self.opened is not None:
            self.opened.commit()
        self._give_back()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self._give_back()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        """What is not committed, the pool rolls back; what was cut, it replaces."""
        opened, self.opened, self._connection = self.opened, None, None
        if opened is None or not opened.is_valid:
            # Never taken, or SQLAlchemy has noticed first that it was cut.
            return
        driver: Any = opened.driver_connection
        if driver.is_closed():
            opened.invalidate()
        else:
            opened.close()


async def begin(session: AsyncSession) -> Fetch:
    """The driver's own way of sending statements, in the session's transaction."""
    transaction = session.sync_session
    with _as_the_driver_says():
        if not isinstance(transaction, Transaction):
            opened = (await session.connection()).sync_connection
            assert opened is not None
            pooled = opened.connection
        elif transaction.opened is not None:
            pooled = transaction.opened
        else:
            pooled = await greenlet_spawn(transaction.open)
        adapted, driver = _both(pooled)
        if adapted._transaction is None:
            async with _whole_or_ended(driver):
                # As it does itself before its first statement; so it knows of the transaction.
                await adapted._start_transaction()  # type: ignore[no-untyped-call]
            if (first := session.info.get(SENT_FIRST)) is not None:
                await driver.execute(first)
    fetch: Fetch = driver.fetch
    return fetch


async def commit(session: AsyncSession) -> None:
    transaction = session.sync_session
    with _as_the_driver_says():
        if isinstance(transaction, Transaction) and not session.in_transaction():
            if transaction.opened is None:
                return
            adapted, driver = _both(transaction.opened)
            if adapted._transaction is not None:
                # Waiting for the server inside of a greenlet takes as long as the commit itself.
                async with _whole_or_ended(driver):
                    await adapted._call_and_discard(adapted._transaction.commit)
        await session.commit()


async def close(session: AsyncSession) -> None:
    """Takes a task of its own; mostly there is nothing to give back."""
    transaction = session.sync_session
    is_open = isinstance(transaction, Transaction) and transaction.opened is not None
    if is_open or session.in_transaction():
        await asyncio.shield(session.close())


def _both(pooled: PoolProxiedConnection) -> tuple[AsyncAdapt_asyncpg_connection, Any]:
    """The connection as SQLAlchemy knows it, and the driver's."""
    adapted = pooled.dbapi_connection
    assert isinstance(adapted, AsyncAdapt_asyncpg_connection)
    return adapted, pooled.driver_connection


@asynccontextmanager
async def _whole_or_ended(driver: Any) -> AsyncIterator[None]:
    """Where beginning or ending a transaction is interrupted, nobody knows how far the server has
    got: such a connection is not used again."""
    try:
        yield
    except BaseException:
        driver.terminate()
        raise


@contextmanager
def _as_the_driver_says() -> Iterator[None]:
    """Errors of the driver, as they are where SQLAlchemy is not in between."""
    try:
        yield
    except AsyncAdapt_asyncpg_dbapi.Error as error:
        raise (error.__cause__ or error) from None
