"""The connections of reads: handed out again, given back, replaced."""

import asyncio
from typing import Any
from unittest.mock import patch

from expenses.database import readers
from expenses.database.engine import MOST_CONNECTIONS, Database
from expenses.database.readers import Fetch
from expenses.errors import TooBusy
from tests.harness import CommittingTestCase

WHO = "SELECT pg_backend_pid()"


class Reads(CommittingTestCase):
    async def test_one_after_the_other_use_one_connection(self) -> None:
        self.assertEqual(len({await self.backend() for _ in range(5)}), 1)
        self.assertEqual(self.use(), (0, 1))

    async def test_at_once_use_several_and_wait_for_the_last(self) -> None:
        reads = [self.backend("SELECT pg_backend_pid(), pg_sleep(0.05)") for _ in range(35)]
        self.assertEqual(len({*await asyncio.gather(*reads)}), MOST_CONNECTIONS)
        self.assertEqual(self.use(), (0, MOST_CONNECTIONS))

    async def test_whoever_waits_too_long_is_told(self) -> None:
        with patch("expenses.database.engine.PATIENCE", 0.2):
            database = await self.enterAsyncContext(Database(self._address))
        slow = [self.backend("SELECT 1, pg_sleep(1)", database) for _ in range(MOST_CONNECTIONS)]
        everybody = asyncio.gather(*slow)
        await asyncio.sleep(0.1)
        with self.assertRaises(TooBusy):
            await self.backend(WHO, database)
        await everybody

    async def test_a_connection_that_was_cut_is_replaced(self) -> None:
        first = await self.backend()
        async with self.database.transaction() as session:
            connection = await session.connection()
            await connection.exec_driver_sql(f"SELECT pg_terminate_backend({first})")
        await asyncio.sleep(0.1)
        self.assertNotEqual(await self.backend(), first)
        self.assertEqual(self.use(), (0, 1))

    async def test_one_that_nobody_needed_for_long_is_replaced(self) -> None:
        first = await self.backend()
        with patch.object(readers, "LONGEST_IDLE", 0):
            self.assertNotEqual(await self.backend(), first)

    async def test_what_is_not_needed_any_more_goes_back(self) -> None:
        await asyncio.gather(*(self.backend("SELECT 1, pg_sleep(0.05)") for _ in range(4)))
        kept = self.database._readers
        assert kept is not None
        self.assertEqual(len(kept._at_hand), 4)
        with patch.object(readers, "SPARE", 0):
            await self.backend()
            await self.backend()
        self.assertEqual(len(kept._at_hand), 2)

    async def test_after_an_interruption_the_next_read_is_whole(self) -> None:
        await self.backend()
        interrupted = asyncio.create_task(self.backend("SELECT 1, pg_sleep(5)"))
        await asyncio.sleep(0.1)
        interrupted.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await interrupted
        for _ in range(3):
            self.assertGreater(await self.backend(), 0)
        self.assertEqual(self.use()[0], 0)

    async def test_what_is_planned_anew_is_planned_for_its_values(self) -> None:
        """Of a statement that is kept, PostgreSQL counts the plans that are for all values."""
        plans = "SELECT statement, generic_plans FROM pg_prepared_statements"
        kept, anew = "SELECT $1::int AS kept", "SELECT $1::int AS anew"
        async with self.database.reading() as session:
            info = session.info
            for number in range(8):
                self.assertEqual((await info["short way"](kept, number))[0][0], number)
                self.assertEqual((await info["planned anew"](anew, number))[0][0], number)
            found = {row[0]: row[1] for row in await info["short way"](plans)}
        self.assertGreater(found[kept], 0)
        self.assertNotIn(anew, found)

    async def backend(self, statement: str = WHO, database: Database | None = None) -> int:
        """The first value of what is read; of `WHO` it is the connection's number."""
        async with (database or self.database).reading() as session:
            fetch: Fetch = session.info["short way"]
            rows: list[Any] = await fetch(statement)
            number: int = rows[0][0]
            return number

    def use(self) -> tuple[int, int]:
        reads = self.database.connections()["reads"]
        return reads.used, reads.idle
