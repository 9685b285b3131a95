"""Transactions that are begun and ended past SQLAlchemy, which takes longer for either than the
driver for all that is in between. Whatever needs SQLAlchemy finds itself in the same one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
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

from expenses.readers import Fetch


class Transaction(Session):
    """The first statement takes a connection from the engine's pool, whichever way it goes; the
    others go to the same one."""

    opened: PoolProxiedConnection | None = None
    _connection: Connection | None = None

    def open(self) -> PoolProxiedConnection:
        if self.opened is None:
            assert isinstance(self.bind, Engine)
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
        super().rollback()
        self._give_back()

    def close(self) -> None:
        super().close()
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
        driver: Any = pooled.driver_connection
        if not driver.is_in_transaction():
            # As it does itself before its first statement; so it knows of the transaction.
            await _adapted(pooled)._start_transaction()  # type: ignore[no-untyped-call]
    fetch: Fetch = driver.fetch
    return fetch


async def commit(session: AsyncSession) -> None:
    transaction = session.sync_session
    with _as_the_driver_says():
        if isinstance(transaction, Transaction) and not session.in_transaction():
            adapted = transaction.opened and _adapted(transaction.opened)
            if adapted is not None and adapted._transaction is not None:
                # Waiting for the server inside of a greenlet takes as long as the commit itself.
                await adapted._call_and_discard(adapted._transaction.commit)
        await session.commit()


async def close(session: AsyncSession) -> None:
    """Takes a task of its own; mostly there is nothing to give back."""
    transaction = session.sync_session
    is_open = isinstance(transaction, Transaction) and transaction.opened is not None
    if is_open or session.in_transaction():
        await asyncio.shield(session.close())


def _adapted(pooled: PoolProxiedConnection) -> AsyncAdapt_asyncpg_connection:
    adapted = pooled.dbapi_connection
    assert isinstance(adapted, AsyncAdapt_asyncpg_connection)
    return adapted


@contextmanager
def _as_the_driver_says() -> Iterator[None]:
    """Errors of the driver, as they are where SQLAlchemy is not in between."""
    try:
        yield
    except AsyncAdapt_asyncpg_dbapi.Error as error:
        raise (error.__cause__ or error) from None
