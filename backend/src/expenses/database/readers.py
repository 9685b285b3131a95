"""asyncpg's own connections, for reads alone: a short way past sessions and what they keep."""

from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from types import TracebackType
from typing import Any, NamedTuple, Self

import asyncpg

Fetch = Callable[..., Awaitable[list[Any]]]
"""From an SQL statement and its values in their order to asyncpg's records."""

# In seconds. What was not needed for so long goes back to the pool at the next read, one after the
# other, and is closed by it;
SPARE = 30
# and what was not needed for so long, something on the way may have cut without a word.
LONGEST_IDLE = 300


class Noted(NamedTuple):
    """What was sent, in the driver's words: of what is prepared it does not tell by itself."""

    query: str
    elapsed: float
    exception: BaseException | None


class AtHand(NamedTuple):
    """A connection, and since when nobody has it."""

    connection: Any
    since: float


class Readers:
    """A pool's connections. What was given back last is handed out first, without the pool, which
    takes a task to take one back."""

    def __init__(self, pool: asyncpg.Pool, patience: float, note: Callable[[Noted], None]) -> None:
        self.note = note
        self._pool = pool
        self._patience = patience
        self._at_hand: deque[AtHand] = deque()
        self._waiting = 0

    @property
    def idle(self) -> int:
        at_hand = sum(_is_open(kept.connection) for kept in self._at_hand)
        return int(self._pool.get_idle_size()) + at_hand

    @property
    def used(self) -> int:
        return int(self._pool.get_size()) - self.idle

    async def take(self) -> Any:
        """Raises `TimeoutError` where none is free in time."""
        while self._at_hand:
            connection, since = self._at_hand.pop()
            if _is_open(connection):
                if monotonic() - since < LONGEST_IDLE:
                    return connection
                connection.terminate()
            await self._pool.release(connection)
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=self._patience)
        finally:
            self._waiting -= 1

    async def give_back(self, connection: Any, *, is_in_order: bool) -> None:
        """Of what was interrupted nobody knows what it still does: the pool sees to that."""
        if not is_in_order or self._waiting:
            await self._pool.release(connection)
            return
        now = monotonic()
        self._at_hand.append(AtHand(connection, now))
        if now - self._at_hand[0].since > SPARE:
            await self._pool.release(self._at_hand.popleft().connection)

    async def close(self) -> None:
        while self._at_hand:
            await self._pool.release(self._at_hand.pop().connection)
        await self._pool.close()


def _is_open(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool has noticed, and has taken it back by itself.
        return False


class ShortWay:
    """A connection that is taken at the first read and given back at the end."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._connection: Any = None

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        connection = await self._taken()
        records: list[Any] = await connection.fetch(statement, *values)
        return records

    async def fetch_planned_anew(self, statement: str, *values: Any) -> list[Any]:
        """For values that ask for different plans, as words in every ticket and in none do.

        What is kept prepared, PostgreSQL plans from the sixth time on once for all values; without
        a name it is forgotten at once.
        """
        connection = await self._taken()
        began = monotonic()
        failure: BaseException | None = None
        try:
            prepared = await connection.prepare(statement, name="")
            records: list[Any] = await prepared.fetch(*values)
        except BaseException as error:
            failure = error
            raise
        finally:
            self._readers.note(Noted(statement, monotonic() - began, failure))
        return records

    async def _taken(self) -> Any:
        if self._connection is None:
            self._connection = await self._readers.take()
        return self._connection

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._readers.give_back(self._connection, is_in_order=kind is None)
