"""The PostgreSQL that comes along: shared, recovered, and gone when nobody uses it."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import asyncpg

from expenses.embedded import _postmaster as postmaster
from expenses.embedded import running
from expenses.errors import CannotStart
from tests.harness import TestCase

# Holds the server until it is told to go on, and says when it has it.
USER = """
import sys
from pathlib import Path
from expenses.embedded import running
with running(Path(sys.argv[1]), durable="durable" in sys.argv) as server:
    print(server.socket_dir, flush=True)
    sys.stdin.read()
"""


async def query(socket_dir: Path | str, statement: str) -> object:
    connection = await asyncpg.connect(
        user="postgres", database="expenses", host=str(socket_dir), timeout=10
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


class Embedded(TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="expenses embedded ")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def start_user(self, folder: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
        """Another process that uses the server, and the socket's folder that it was given."""
        process = self.spawn_user(folder, *options)
        return process, self.socket_dir_of(process)

    def spawn_user(self, folder: Path, *options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(folder), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.end_user, process)
        return process

    def socket_dir_of(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def end_user(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            process.communicate()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()

    def is_running(self, folder: Path) -> bool:
        return postmaster(folder / "postgres") is not None

    async def test_it_starts_answers_and_stops_in_a_path_with_spaces(self) -> None:
        folder = self.folder / "dàta folder"
        with running(folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT 1"), 1)
            self.assertEqual(server.socket_dir.stat().st_mode & 0o777, 0o700)
            self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
            self.assertEqual(await query(server.socket_dir, "SHOW listen_addresses"), "")
        self.assertFalse(self.is_running(folder))

    async def test_a_path_that_is_too_long_for_a_socket(self) -> None:
        folder = self.folder / ("long " * 20) / ("longer, " * 10)
        with running(folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT 1"), 1)
        self.assertFalse(self.is_running(folder))

    async def test_it_is_durable_unless_told_otherwise(self) -> None:
        with running(self.folder) as server:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                self.assertEqual(await query(server.socket_dir, f"SHOW {setting}"), "on")

    async def test_the_last_of_several_users_stops_it(self) -> None:
        first, socket_dir = self.start_user(self.folder)
        second, same = self.start_user(self.folder)
        self.assertEqual(socket_dir, same)
        with running(self.folder, durable=False) as server:
            self.assertEqual(str(server.socket_dir), socket_dir)
            self.end_user(first)
            self.end_user(second)
            self.assertEqual(await query(socket_dir, "SELECT 1"), 1)
        self.assertFalse(self.is_running(self.folder))

    async def test_several_that_start_at_once_share_one(self) -> None:
        processes = [self.spawn_user(self.folder) for _ in range(4)]
        self.assertEqual(len({self.socket_dir_of(process) for process in processes}), 1)
        for process in processes:
            self.end_user(process)
        self.assertFalse(self.is_running(self.folder))

    async def test_a_killed_user_leaves_its_server_to_the_next(self) -> None:
        user, socket_dir = self.start_user(self.folder)
        await query(socket_dir, "CREATE TABLE kept AS SELECT 7 AS number")
        user.kill()
        user.wait()
        self.assertTrue(self.is_running(self.folder))
        with running(self.folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT number FROM kept"), 7)
        self.assertFalse(self.is_running(self.folder))

    async def test_a_killed_server_is_recovered(self) -> None:
        user, socket_dir = self.start_user(self.folder, "durable")
        await query(socket_dir, "CREATE TABLE kept AS SELECT 7 AS number")
        found = postmaster(self.folder / "postgres")
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)
        user.kill()
        user.wait()
        with running(self.folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT number FROM kept"), 7)

    async def test_a_lock_file_with_a_recycled_process_number_is_recognised(self) -> None:
        with running(self.folder, durable=False) as server:
            socket_dir = server.socket_dir
        cluster = self.folder / "postgres"
        lines = f"{os.getpid()}\n{cluster}\n1\n5432\n{socket_dir}\n\n1 1\nready\n"
        (cluster / "postmaster.pid").write_text(lines)
        (socket_dir / ".s.PGSQL.5432.lock").write_text(lines)
        with running(self.folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT 1"), 1)

    async def test_what_a_killed_initdb_left_is_removed(self) -> None:
        leftover = self.folder / "postgres.new-abc"
        leftover.mkdir()
        (leftover / "PG_VERSION").write_text("18\n")
        with running(self.folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT 1"), 1)
        self.assertFalse(leftover.exists())

    def test_data_of_another_version_is_refused(self) -> None:
        (self.folder / "postgres").mkdir()
        (self.folder / "postgres" / "PG_VERSION").write_text("15\n")
        with self.assertRaisesRegex(CannotStart, "PostgreSQL 15"), running(self.folder):
            pass

    def test_a_server_that_does_not_start_is_quoted(self) -> None:
        with running(self.folder, durable=False):
            pass
        (self.folder / "postgres" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
        with self.assertRaisesRegex(CannotStart, "no_such_setting"), running(self.folder):
            pass

    @unittest.skipUnless(os.geteuid() == 0, "who is not root is an ordinary user already")
    def test_it_runs_as_an_ordinary_user_too(self) -> None:
        self.folder.chmod(0o755)
        home = self.folder / "home"
        home.mkdir()
        os.chown(home, 65534, 65534)
        # The one right that is kept lets it read a Python that lives in root's home.
        ordinary = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        readable = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        ended = subprocess.run(
            [*ordinary, *readable, sys.executable, "-c", USER, str(home / "data")],
            input="",
            capture_output=True,
            text=True,
            cwd=home,
            check=False,
        )
        self.assertEqual(ended.stdout.strip(), str(home / "data" / "socket"), ended.stderr)
        self.assertEqual((home / "data" / "postgres").stat().st_uid, 65534)
        self.assertFalse(self.is_running(home / "data"))
