"""Behind PgBouncer in transaction mode."""

import asyncio

from sqlalchemy import text

from expenses.database.engine import Database
from expenses.errors import TooBusy
from tests.command_line import CommandLineTestCase
from tests.harness import PASSWORD, TestCase, empty_database, new_database
from tests.pgbouncer import CONNECTIONS, pgbouncer, through


class Transactions(TestCase):
    def setUp(self) -> None:
        self.address = through(self.enterContext(pgbouncer()), new_database())

    async def test_have_their_limits(self) -> None:
        async with Database(self.address, "transaction") as database:
            async with database.transaction() as connection:
                limits = [
                    await connection.scalar(text(f"SHOW {name}"))
                    for name in ("statement_timeout", "lock_timeout")
                ]
            self.assertEqual(limits, ["10s", "3s"])
            with self.assertRaises(TooBusy):
                async with database.transaction() as connection:
                    await connection.execute(text("SET LOCAL statement_timeout = '50ms'"))
                    await connection.execute(text("SELECT pg_sleep(5)"))
            async with database.transaction() as connection:
                self.assertEqual(await connection.scalar(text("SELECT 1")), 1)

    async def test_reads_have_none(self) -> None:
        database = await self.enterAsyncContext(Database(self.address, "transaction"))
        async with database.reading() as connection:
            self.assertEqual(await connection.scalar(text("SHOW lock_timeout")), "0")

    async def test_leave_nothing_behind(self) -> None:
        async with Database(self.address, "transaction") as database:
            await asyncio.gather(*(self._use(database) for _ in range(10)))
        async with Database(self.address, "transaction") as database:
            for _ in range(CONNECTIONS + 1):
                async with database.reading() as connection:
                    found = await connection.execute(
                        text(
                            "SELECT current_setting('statement_timeout'),"
                            " (SELECT count(*) FROM pg_prepared_statements WHERE name <> '')"
                        )
                    )
                    self.assertEqual(tuple(found.one()), ("0", 0))

    async def _use(self, database: Database) -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1"))
        async with database.reading() as connection:
            await connection.execute(text("SELECT 2"))


class Commands(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.port = self.enterContext(pgbouncer())
        self.behind = {
            "DATABASE_URL": through(self.port, new_database()),
            "DATABASE_POOLER": "transaction",
            "SECRET_KEY": "of no importance here, but long enough",
        }

    def test_read_and_write_through_it(self) -> None:
        self.assertIn("up to date", self.run_command("migrate", **self.behind).stdout)
        typed = f"Dana\n{PASSWORD}\n"
        created = self.run_command(
            "create-employer", "dana@contoso.example", typed=typed, **self.behind
        )
        self.assertEqual(created.stdout, "Dana can log in now.\n", created.stderr)

    def test_that_need_postgresql_itself_say_so(self) -> None:
        for command in ("backup", "restore"):
            with self.subTest(command=command):
                ended = self.run_command(command, str(self.data_dir / "file"), **self.behind)
                self.assert_refused(ended, "DATABASE_URL", "DATABASE_POOLER")

    def test_do_not_migrate_through_it(self) -> None:
        empty = empty_database(owner="postgres")
        behind = self.behind | {"DATABASE_URL": through(self.port, empty)}
        for command in ("migrate", "serve"):
            with self.subTest(command=command):
                ended = self.run_command(command, **behind)
                self.assert_refused(ended, "DATABASE_URL", "DATABASE_POOLER")
