"""Connections for reads and transactions for writes: given back, replaced, cut."""

import asyncio
from typing import Any
from unittest.mock import patch

import asyncpg
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import CONNECTIONS_PER_PROCESS, Database, after_commit
from expenses.errors import DatabaseUnavailable, TooBusy
from expenses.users.models import User
from tests.harness import CommittingTestCase, as_role, new_role

BACKEND = "SELECT pg_backend_pid()"


class DatabaseTestCase(CommittingTestCase):
    def assert_nothing_is_held(self) -> None:
        self.assertEqual(self.database.connections().used, 0)

    async def end_backend(self, number: int) -> None:
        async with self.database.transaction() as other:
            await other.execute(text(f"SELECT pg_terminate_backend({number})"))
        async with self.database.reading() as other:
            ended = text(f"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {number})")
            while not await other.scalar(ended):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


class Reads(DatabaseTestCase):
    async def test_one_after_the_other_use_one_connection(self) -> None:
        self.assertEqual(len({await self.backend() for _ in range(5)}), 1)
        self.assertEqual(self.database.connections()[:2], (0, 1))

    async def test_start_no_other_processes_and_compile_nothing(self) -> None:
        async with self.database.reading() as connection:
            for name, value in (("max_parallel_workers_per_gather", "0"), ("jit", "off")):
                self.assertEqual(await connection.scalar(text(f"SHOW {name}")), value)

    async def test_at_once_use_several_and_wait_for_the_last(self) -> None:
        reads = [self.backend("SELECT pg_backend_pid(), pg_sleep(0.05)") for _ in range(50)]
        self.assertEqual(len({*await asyncio.gather(*reads)}), CONNECTIONS_PER_PROCESS)
        self.assert_nothing_is_held()

    async def test_whoever_waits_too_long_is_told(self) -> None:
        with patch("expenses.database.engine.CONNECT_TIMEOUT", 0.2):
            database = await self.enterAsyncContext(Database(self._address))
        slow = [
            self.backend("SELECT 1, pg_sleep(1)", database) for _ in range(CONNECTIONS_PER_PROCESS)
        ]
        everybody = asyncio.gather(*slow)
        while database.connections().used < CONNECTIONS_PER_PROCESS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        with self.assertRaises(TooBusy):
            await self.backend(BACKEND, database)
        await everybody

    async def test_a_connection_that_was_cut_is_replaced(self) -> None:
        first = await self.backend()
        async with self.database.reading() as held:
            # Another one, since the first is in use.
            other = Database(self._address)
            async with other.reading() as killer:
                number = await held.scalar(text(BACKEND))
                await killer.execute(text(f"SELECT pg_terminate_backend({number})"))
            await other.engine.dispose()
        await asyncio.sleep(0.1)
        self.assertNotEqual(await self.backend(), first)
        self.assert_nothing_is_held()

    async def test_after_an_interruption_the_next_read_is_whole(self) -> None:
        await self.backend()
        interrupted = asyncio.create_task(self.backend("SELECT 1, pg_sleep(5)"))
        await asyncio.sleep(0.1)
        interrupted.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await interrupted
        for _ in range(3):
            self.assertGreater(await self.backend(), 0)
        self.assert_nothing_is_held()

    async def backend(self, statement: str = BACKEND, database: Database | None = None) -> int:
        """The first value of what is read; of `BACKEND` it is the connection's number."""
        async with (database or self.database).reading() as connection:
            number: int = (await connection.execute(text(statement))).one()[0]
            return number


class Transactions(DatabaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.full_role = new_role("CONNECTION LIMIT 0")

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")

    async def test_what_is_raised_undoes_all_of_it(self) -> None:
        called: list[bool] = []
        with self.assertRaises(ZeroDivisionError):
            async with self.database.transaction() as connection:
                after_commit(connection, lambda: called.append(True))
                await self.rename(connection, "Gone")
                raise ZeroDivisionError
        self.assertEqual(await self.name(), "Ada")
        self.assertEqual(called, [])
        self.assert_nothing_is_held()

    async def test_what_waits_for_the_commit_comes_after_it_once(self) -> None:
        names: list[asyncio.Task[str]] = []
        for name in ("Grace", "Edsger"):
            async with self.database.transaction() as connection:
                after_commit(connection, lambda: names.append(asyncio.create_task(self.name())))
                await self.rename(connection, name)
                self.assertEqual(len(names), 0 if name == "Grace" else 1)
        self.assertEqual(await asyncio.gather(*names), ["Edsger", "Edsger"])

    async def test_what_fails_at_the_end_is_not_done_and_is_told(self) -> None:
        for _ in range(3):
            with self.assertRaises(DatabaseUnavailable):
                async with self.database.transaction() as connection:
                    await self.rename(connection, "Gone")
                    await self.end_backend(await connection.scalar(text(BACKEND)))
            self.assertEqual(await self.name(), "Ada")
        self.assert_nothing_is_held()

    async def test_one_that_is_cut_halfway_is_told(self) -> None:
        with self.assertRaises(DatabaseUnavailable):
            async with self.database.transaction() as connection:
                await self.rename(connection, "Gone")
                await self.end_backend(await connection.scalar(text(BACKEND)))
                await connection.execute(text("SELECT 1"))
        self.assertEqual(await self.name(), "Ada")
        self.assert_nothing_is_held()

    async def test_one_that_is_cancelled_holds_nothing(self) -> None:
        for sleep in (
            lambda _connection: asyncio.sleep(10),
            lambda connection: connection.execute(text("SELECT pg_sleep(10)")),
        ):
            holding = asyncio.create_task(self.hold(sleep))
            await asyncio.sleep(0.1)
            holding.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await holding
            async with self.database.transaction() as connection:
                await self.rename(connection, "Grace")
            self.assertEqual(await self.name(), "Grace")
        self.assert_nothing_is_held()

    async def test_one_that_is_interrupted_at_its_beginning_or_end_does_not_spoil_the_next(
        self,
    ) -> None:
        for method in ("start", "commit"):
            for interruption in (asyncio.CancelledError, TimeoutError):
                with self.subTest(method=method, interruption=interruption.__name__):
                    await self.interrupt(method, interruption)
                    for _ in range(3):
                        async with self.database.transaction() as connection:
                            await self.rename(connection, method)
                        self.assertEqual(await self.name(), method)

    async def test_without_a_database_it_is_told(self) -> None:
        nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
        full = Database(as_role(self.full_role, self._address))
        for database in (nowhere, full):
            with self.assertRaises(DatabaseUnavailable):
                async with database.transaction() as connection:
                    await connection.execute(text("SELECT 1"))
            await database.engine.dispose()

    async def interrupt(self, method: str, error: type[BaseException]) -> None:
        original = getattr(asyncpg.transaction.Transaction, method)

        async def interrupted(transaction: Any) -> None:
            await original(transaction)
            raise error

        with (
            patch.object(asyncpg.transaction.Transaction, method, interrupted),
            self.assertRaises((asyncio.CancelledError, TooBusy)),
        ):
            async with self.database.transaction() as connection:
                await connection.execute(text("SELECT 1"))
        self.assert_nothing_is_held()

    async def hold(self, sleep: Any) -> None:
        async with self.database.transaction() as connection:
            await self.rename(connection, "Gone")
            await sleep(connection)

    async def rename(self, connection: AsyncConnection, name: str) -> None:
        await connection.execute(update(User).where(User.id == self.ada.id).values(username=name))

    async def name(self) -> str:
        async with self.database.reading() as connection:
            query = select(User.username).where(User.id == self.ada.id)
            return (await connection.execute(query)).scalar_one()
