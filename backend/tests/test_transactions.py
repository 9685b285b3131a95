"""Transactions that are begun past SQLAlchemy, and what goes through it all the same."""

import asyncio
import itertools
from typing import Any
from unittest.mock import patch

import asyncpg
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.engine import Database
from expenses.database.statements import Statement
from expenses.errors import DatabaseUnavailable, TooBusy
from expenses.users.models import User
from tests.harness import CommittingTestCase, as_role, new_role

RENAME = Statement(
    update(User).where(User.id == bindparam("number")).values(username=bindparam("name"))
)
NAME = Statement(select(User.username).where(User.id == bindparam("number")))
WHICH = text("SELECT pg_current_xact_id(), pg_backend_pid()")


class Transactions(CommittingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.full_role = new_role("CONNECTION LIMIT 0")

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")

    async def test_both_ways_are_one_transaction(self) -> None:
        for orders in ("sosos", "ososo", "oos", "sso"):
            async with self.database.transaction() as session:
                seen = set()
                for order in orders:
                    if order == "s":
                        await RENAME.rows(session, number=self.ada.id, name="By statement")
                    seen.add(tuple((await session.execute(WHICH)).one()))
            self.assertEqual(len(seen), 1, orders)
            self.assertEqual(self.used(), 0)

    async def test_each_way_sees_what_the_other_wrote(self) -> None:
        async with self.database.transaction() as session:
            await RENAME.rows(session, number=self.ada.id, name="Grace")
            user = await session.get_one(User, self.ada.id)
            self.assertEqual(user.username, "Grace")
            user.username = "Edsger"
            [[name]] = await NAME.rows(session, number=self.ada.id)
            self.assertEqual(name, "Edsger")
        self.assertEqual(await self.name(), "Edsger")

    async def test_what_is_raised_undoes_all_of_it_either_way(self) -> None:
        async def by_statement(session: AsyncSession) -> None:
            await RENAME.rows(session, number=self.ada.id, name="Gone")

        async def by_object(session: AsyncSession) -> None:
            (await session.get_one(User, self.ada.id)).username = "Gone"
            await session.flush()

        for ways in ((by_statement,), (by_object,), (by_statement, by_object)):
            with self.assertRaises(ZeroDivisionError):
                async with self.database.transaction() as session:
                    for way in ways:
                        await way(session)
                    raise ZeroDivisionError
            self.assertEqual(await self.name(), "Ada")
            self.assertEqual(self.used(), 0)

    async def test_rolled_back_halfway_it_goes_on_with_another(self) -> None:
        async with self.database.transaction() as session:
            await RENAME.rows(session, number=self.ada.id, name="Gone")
            await session.rollback()
            [[name]] = await NAME.rows(session, number=self.ada.id)
            self.assertEqual(name, "Ada")
        self.assertEqual(await self.name(), "Ada")
        self.assertEqual(self.used(), 0)

    async def test_what_fails_at_the_end_is_not_done_and_is_told(self) -> None:
        for statement in (
            "SELECT pg_terminate_backend(pg_backend_pid())",
            "SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)",
        ):
            with self.assertRaises((DatabaseUnavailable, TooBusy)):
                async with self.database.transaction() as session:
                    await RENAME.rows(session, number=self.ada.id, name="Gone")
                    driver = self.driver(session)
                    await driver.execute(statement)
            self.assertEqual(await self.name(), "Ada")
            self.assertEqual(self.used(), 0)

    async def test_a_connection_that_was_cut_before_the_commit_is_told_and_replaced(self) -> None:
        for _ in range(3):
            with self.assertRaises(DatabaseUnavailable):
                async with self.database.transaction() as session:
                    await RENAME.rows(session, number=self.ada.id, name="Gone")
                    number = self.driver(session).get_server_pid()
                    async with self.database.transaction() as other:
                        await other.execute(text(f"SELECT pg_terminate_backend({number})"))
                    await asyncio.sleep(0.1)
            self.assertEqual(await self.name(), "Ada")
        async with self.database.transaction() as session:
            await RENAME.rows(session, number=self.ada.id, name="Grace")
        self.assertEqual(await self.name(), "Grace")
        self.assertEqual(self.used(), 0)

    async def test_one_that_is_cut_halfway_is_told_either_way(self) -> None:
        async def by_statement(session: AsyncSession) -> None:
            await NAME.rows(session, number=self.ada.id)

        async def by_query(session: AsyncSession) -> None:
            await session.execute(WHICH)

        for first, then in itertools.product((by_statement, by_query), repeat=2):
            with self.assertRaises(DatabaseUnavailable):
                async with self.database.transaction() as session:
                    await first(session)
                    number = self.driver(session).get_server_pid()
                    async with self.database.transaction() as other:
                        await other.execute(text(f"SELECT pg_terminate_backend({number})"))
                    await then(session)
            self.assertEqual(self.used(), 0)

    async def test_one_that_is_cancelled_holds_nothing(self) -> None:
        async def hold() -> None:
            async with self.database.transaction() as session:
                await RENAME.rows(session, number=self.ada.id, name="Gone")
                await asyncio.sleep(10)

        holding = asyncio.create_task(hold())
        await asyncio.sleep(0.1)
        holding.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await holding
        async with self.database.transaction() as session:
            await RENAME.rows(session, number=self.ada.id, name="Grace")
        self.assertEqual(await self.name(), "Grace")
        self.assertEqual(self.used(), 0)

    async def test_one_that_is_cancelled_while_it_waits_leaves_a_whole_connection(self) -> None:
        async def wait() -> None:
            async with self.database.transaction() as session:
                await RENAME.rows(session, number=self.ada.id, name="Gone")
                await self.driver(session).fetch("SELECT pg_sleep(10)")

        for _ in range(3):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0.1)
            waiting.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await waiting
            for _ in range(3):
                async with self.database.transaction() as session:
                    self.assertEqual(await NAME.rows(session, number=self.ada.id), [("Ada",)])
        self.assertEqual(self.used(), 0)

    async def test_one_that_is_interrupted_at_its_beginning_or_end_is_cut(self) -> None:
        """Nobody knows then what the server has done; the next one begins with a new connection."""
        for method in ("start", "commit"):
            for interruption in (asyncio.CancelledError, TimeoutError):
                await self.name()
                original = getattr(asyncpg.transaction.Transaction, method)

                async def interrupted(
                    transaction: Any, original: Any = original, error: Any = interruption
                ) -> None:
                    await original(transaction)
                    raise error

                with (
                    patch.object(asyncpg.transaction.Transaction, method, interrupted),
                    self.assertRaises((asyncio.CancelledError, TooBusy)),
                ):
                    async with self.database.transaction() as session:
                        await NAME.rows(session, number=self.ada.id)
                self.assertEqual(self.used(), 0)
                async with self.database.transaction() as session:
                    await RENAME.rows(session, number=self.ada.id, name=method)
                self.assertEqual(await self.name(), method)

    async def test_without_a_database_it_is_told(self) -> None:
        nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
        full = Database(as_role(self.full_role, self._address))
        for database in (nowhere, full):
            with self.assertRaises(DatabaseUnavailable):
                async with database.transaction() as session:
                    await NAME.rows(session, number=self.ada.id)
            with self.assertRaises(DatabaseUnavailable):
                async with database.transaction() as session:
                    await session.execute(WHICH)
            await database.engine.dispose()

    async def name(self) -> str:
        async with self.database.reading() as session:
            [[name]] = await NAME.rows(session, number=self.ada.id)
            return str(name)

    def driver(self, session: AsyncSession) -> Any:
        transaction: Any = session.sync_session
        return transaction.opened.driver_connection

    def used(self) -> int:
        return self.database.connections()["sessions"].used
