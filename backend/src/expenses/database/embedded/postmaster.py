"""The postmaster, the server's main process: found, started and stopped."""

import logging
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from expenses.database.embedded import cluster as clusters
from expenses.database.embedded import socket_folder
from expenses.database.embedded.data_folder import open_private
from expenses.database.embedded.programs import (
    binary,
    environment,
    start_failure,
    unprivileged,
)

# How long processes that a killed postmaster left behind may take to end.
ORPHAN_SECONDS = 30
FAST_STOP_SECONDS = 30
IMMEDIATE_STOP_SECONDS = 10
_POLL_SECONDS = 0.02
_ANNOUNCE_SECONDS = 5

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

logger = logging.getLogger(__name__)


class Postmaster(NamedTuple):
    pid: int
    socket_dir: Path
    status: str


def find(cluster: Path) -> Postmaster | None:
    """Find the live postmaster of a cluster, from the file in which it keeps its state."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return None
    if not _belongs_to(pid, cluster):
        return None
    # The first lines are there at once, the socket and the status follow.
    lines += [""] * (8 - len(lines))
    return Postmaster(pid, Path(lines[4]), lines[7].strip())


def ensure_started(data_dir: Path, *, durable: bool) -> Path:
    """Adopt or start the postmaster and wait until it answers; the folder of its socket."""
    cluster, log = data_dir / "postgres", data_dir / "postgres.log"
    log_size = log.stat().st_size
    child: int | None = None
    began = announced = time.monotonic()
    try:
        while True:
            found = find(cluster)
            if found is not None and found.status == "ready" and answers(found.socket_dir):
                return found.socket_dir
            now = time.monotonic()
            if found is None and child is None:
                # A killed postmaster's other processes end within moments. If one does not, a new
                # postmaster refuses to start beside it and says so.
                if now > began + ORPHAN_SECONDS or not has_processes(cluster):
                    child = _spawn(data_dir, log, durable=durable)
            elif found is None and child is not None and _has_ended(child):
                raise start_failure(_last_lines(log, log_size))
            # Silence is not death: recovering from a crash may take as long as it takes.
            if now > announced + _ANNOUNCE_SECONDS:
                logger.info("Waiting for PostgreSQL in %s to become ready", cluster)
                announced = now
            time.sleep(_POLL_SECONDS)
    except BaseException:
        # Before the child has written its number down, nobody else could stop it. What a shell has
        # put in the background ignores the signals of the keyboard, until it is a server.
        if child is not None and not _has_ended(child):
            os.kill(child, signal.SIGTERM)
        raise


def stop(cluster: Path) -> None:
    # Fast ends the connections and writes everything down; immediate leaves that to recovery.
    for number, seconds in (
        (signal.SIGINT, FAST_STOP_SECONDS),
        (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
    ):
        found = find(cluster)
        if found is None:
            return
        with suppress(ProcessLookupError):
            os.kill(found.pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if _has_ended(found.pid) and find(cluster) is None:
                with suppress(OSError):
                    found.socket_dir.rmdir()
                return
            time.sleep(_POLL_SECONDS)
    logger.error("PostgreSQL in %s did not stop", cluster)


def answers(socket_dir: Path) -> bool:
    """Ask whether it takes connections: not while it recovers, whatever its file says."""
    command = [str(binary("pg_isready")), "-q", "-h", str(socket_dir)]
    return subprocess.run(command, env=environment(), check=False).returncode == 0


def has_processes(cluster: Path) -> bool:
    processes = Path("/proc").glob("[0-9]*")
    return any(_belongs_to(int(process.name), cluster) for process in processes)


def _belongs_to(pid: int, cluster: Path) -> bool:
    """Check that a process is PostgreSQL at work in this cluster: numbers are used again."""
    if Path("/proc/self/cwd").exists():
        process = Path("/proc", str(pid))
        with suppress(OSError):
            is_postgres = b"postgres" in (process / "cmdline").read_bytes()
            return is_postgres and (process / "cwd").samefile(cluster)
        return False
    ps = ["ps", "-ww", "-p", str(pid), "-o", "command="]
    return str(cluster) in subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def _spawn(data_dir: Path, log: Path, *, durable: bool) -> int:
    """Start the process; its number."""
    cluster = data_dir / "postgres"
    clusters.ensure_own(cluster)
    socket_dir = socket_folder.create(data_dir)
    # What a dead server has left looks alive when its process number is in use again.
    for stale in (cluster / "postmaster.pid", socket_dir / f"{socket_folder.SOCKET_NAME}.lock"):
        stale.unlink(missing_ok=True)
    settings = _SETTINGS | {"unix_socket_directories": str(socket_dir)}
    if not durable:
        settings |= _NOT_DURABLE
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with open_private(log) as output:
        child = subprocess.Popen(
            unprivileged("postgres", "-D", str(cluster), *options),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C in the terminal is for the application, which then stops the server.
            start_new_session=True,
        )
    # It may outlive this process and is waited for by its number: no warning about that.
    child.returncode = 0
    return child.pid


def _has_ended(child: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(child, os.WNOHANG) != (0, 0)
    return True


def _last_lines(log: Path, since: int) -> str:
    with log.open("rb") as file:
        file.seek(since)
        return "\n".join(file.read().decode(errors="replace").splitlines()[-5:])
