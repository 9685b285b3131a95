"""A backup or a restore that is ended in the middle of its work, and who sees it meanwhile."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import unittest
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url

from expenses.database.engine import Database
from tests.database.test_backup import BackupsTestCase, contents
from tests.harness import empty_database, server

PATIENCE = 30


class Interrupted(BackupsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.full = self.new_backup()
        self.empty = empty_database(owner="postgres")
        self.second = self.folder / "tuesday.backup"

    async def test_an_ended_backup_has_failed_and_leaves_nothing(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            with self.subTest(signal=number.name):
                async with self.backing_up() as process:
                    self.assertEqual(len(self.files()), 2)
                    self.assertFalse(self.second.exists())
                    process.send_signal(number)
                    self.assertGreater(await self.status_of(process), 0)
                self.assertEqual(self.files(), [self.file.name])

    async def test_a_killed_backup_leaves_no_half_under_its_name(self) -> None:
        async with self.backing_up() as process:
            os.killpg(process.pid, signal.SIGKILL)
            await self.status_of(process)
        _, left = self.files()
        self.assertIn("unfinished", left)
        self.assertEqual((self.folder / left).stat().st_mode & 0o777, 0o600)
        async with self.backing_up() as process:
            pass
        self.assertEqual(await self.status_of(process), 0)
        self.assertEqual(self.files(), [self.file.name, self.second.name, left])

    async def test_a_file_that_comes_up_meanwhile_is_not_overwritten(self) -> None:
        async with self.backing_up() as process:
            self.second.write_text("precious")
        self.assertEqual(await self.status_of(process), 1)
        self.assertEqual(self.files(), [self.file.name, self.second.name])
        self.assertEqual(self.second.read_text(), "precious")

    async def test_an_interrupted_restore_restores_nothing(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number.name):
                async with self.restoring() as process:
                    if number == signal.SIGKILL:
                        os.killpg(process.pid, number)
                    else:
                        process.send_signal(number)
                    self.assertNotEqual(await self.status_of(process), 0)
                await self.wait_for(self.empty, "NOT EXISTS (SELECT FROM {others})")
                self.assertEqual(await contents(self.empty), {})
        async with self.restoring() as process:
            pass
        self.assertEqual(await self.status_of(process), 0)
        self.assertEqual(await contents(self.empty), await contents(self.full))

    @unittest.skipUnless(Path("/proc/self/cmdline").exists(), "needs /proc")
    async def test_nobody_reads_the_password_in_the_list_of_processes(self) -> None:
        self.full, self.empty = [
            make_url(url).set(password="quitesecret").render_as_string(hide_password=False)
            for url in (self.full, self.empty)
        ]
        for start, program in ((self.backing_up, "pg_dump"), (self.restoring, "pg_restore")):
            async with start() as process:
                lines = command_lines()
                self.assertTrue([each for each in lines if program in each], program)
                self.assertEqual([each for each in lines if "quitesecret" in each], [])
            self.assertEqual(await self.status_of(process), 0)

    def backing_up(self) -> AbstractAsyncContextManager[subprocess.Popen[bytes]]:
        return self.blocked("LOCK TABLE tickets", self.full, "backup", self.second)

    def restoring(self) -> AbstractAsyncContextManager[subprocess.Popen[bytes]]:
        return self.blocked("CREATE TABLE tickets (id int)", self.empty, "restore", self.file)

    @asynccontextmanager
    async def blocked(
        self, statement: str, url: str, *arguments: str | Path
    ) -> AsyncIterator[subprocess.Popen[bytes]]:
        """A command that waits in the middle of its work for what this has locked."""
        async with Database(url) as database, database.transaction() as connection:
            await connection.execute(text(statement))
            process = self.start_command(*arguments, DATABASE_URL=url)
            await self.wait_for(url, "EXISTS (SELECT FROM {others} AND wait_event_type = 'Lock')")
            yield process
            await connection.rollback()

    def start_command(self, *arguments: str | Path, **variables: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "expenses", *arguments],
            env=self.environment(**variables),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.addCleanup(self.kill, process)
        return process

    async def wait_for(self, url: str, condition: str) -> None:
        """The others are those who are connected with the database, but for this test."""
        others = (
            f"pg_stat_activity WHERE datname = '{make_url(url).database}'"
            " AND application_name <> 'expenses'"
        )
        deadline = time.monotonic() + PATIENCE
        async with Database(server().url("postgres")) as database:
            while time.monotonic() < deadline:
                async with database.reading() as connection:
                    if await connection.scalar(text(f"SELECT {condition.format(others=others)}")):
                        return
                await asyncio.sleep(0.05)
        self.fail(f"Not true in time: {condition}")

    async def status_of(self, process: subprocess.Popen[bytes]) -> int:
        return await asyncio.to_thread(process.wait, PATIENCE)


def command_lines() -> list[str]:
    """Of every process on this machine."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found
