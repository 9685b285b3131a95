"""Upgrading the database while two processes of the version before serve it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
from sqlalchemy import text

from expenses.database import migrations
from expenses.database.engine import Database
from tests.command_line import CommandLineTestCase, execute
from tests.harness import new_database, one_more_migration, ticket_json

INDEX = """with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        op.create_index("ix_tickets_later", "tickets", ["currency", "spent_on"],
            postgresql_concurrently=True)
        op.execute("RESET lock_timeout")
    assert op.get_bind().exec_driver_sql("SHOW lock_timeout").scalar() == '5s'
"""
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_tickets_later')"


class Upgrade(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = new_database()
        key = "the same secret key for both of them"
        started = [self.spawn("serve", DATABASE_URL=self.url, SECRET_KEY=key) for _ in range(2)]
        self.addresses = [self.wait_until_ready(server).address for server in started]
        self.client = self.register(self.addresses[0])
        self.client.post("/api/tickets", json=ticket_json()).raise_for_status()

    def test_both_serve_while_an_index_is_made(self) -> None:
        with one_more_migration(INDEX), ThreadPoolExecutor(1) as thread:
            # It waits for this transaction, as it would for an export.
            with self.table_in_use():
                upgrading = thread.submit(migrations.upgrade, self.url)
                self.wait_for_index([(False,)])
                for address in self.addresses:
                    self.serves(address)
                self.assertFalse(upgrading.done())
            upgrading.result()
        self.assertEqual(self.index(), [(True,)])

    def test_a_table_in_use_is_not_waited_for(self) -> None:
        altering = "op.execute('ALTER TABLE tickets ADD later bigint')"
        with one_more_migration(altering), self.table_in_use():
            ended = self.run_command("migrate", DATABASE_URL=self.url)
            self.assert_refused(ended, "in use", "`expenses migrate` again")
        answer = self.client.post("/api/tickets", json=ticket_json())
        self.assertEqual(answer.status_code, 201)

    def serves(self, address: str) -> None:
        path, headers = f"{address}/api/tickets", dict(self.client.headers)
        filed = httpx.post(path, json=ticket_json(), headers=headers)
        self.assertEqual(filed.status_code, 201)
        listed = httpx.get(path, headers=headers).json()["items"]
        self.assertEqual(listed[0]["id"], filed.json()["id"])

    def wait_for_index(self, state: list[tuple[bool]]) -> None:
        deadline = time.monotonic() + 30
        while self.index() != state:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def index(self) -> list[tuple[Any, ...]]:
        return asyncio.run(execute(self.url, VALID))

    @contextmanager
    def table_in_use(self) -> Iterator[None]:
        """A transaction that has read a table, and has not ended."""
        taken, done = threading.Event(), threading.Event()

        async def hold() -> None:
            async with Database(self.url) as database, database.transaction() as connection:
                await connection.execute(text("SELECT count(*) FROM tickets"))
                taken.set()
                await asyncio.to_thread(done.wait)

        thread = threading.Thread(target=asyncio.run, args=(hold(),))
        thread.start()
        taken.wait()
        yield
        done.set()
        thread.join()
