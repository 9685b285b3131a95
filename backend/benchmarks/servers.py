"""Starting what is measured: the application as `expenses serve` starts it, and the floor."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from expenses.errors import CannotStart
from expenses.settings import Settings

START_TIMEOUT = 60
STOP_TIMEOUT = 20

APPLICATION = ("-m", "expenses", "serve", "--workers", "1", "--port", "{port}")
FLOOR = ("-m", "benchmarks.floor", "{port}")


@dataclass(frozen=True)
class RunningServer:
    process: subprocess.Popen[bytes]
    address: str

    def memory(self) -> int:
        """With one worker, the worker is the process itself."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def cpu(self) -> float:
        """Add up its processes: others have workers beside it."""
        process = psutil.Process(self.process.pid)
        times = [each.cpu_times() for each in (process, *process.children())]
        return float(sum(each.user + each.system for each in times))


def postgres_cpu(data_dir: Path) -> float:
    """Add up all of PostgreSQL's processes. Those that have ended count with the first one."""
    pid_file = data_dir / "postgres" / "postmaster.pid"
    postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
    total = sum(postmaster.cpu_times()[:4])
    for child in postmaster.children():
        with suppress(psutil.NoSuchProcess):
            total += sum(child.cpu_times()[:2])
    return float(total)


@contextmanager
def started(
    command: Sequence[str], database: str, log: Path, ready: str = "/health", **variables: str
) -> Iterator[RunningServer]:
    """Start Python with a command that says {port}, and wait until the path `ready` answers."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *(part.replace("{port}", str(port)) for part in command)],
            env=environment(database, **variables),
            stdout=output,
            stderr=output,
        )
    try:
        server = RunningServer(process, f"http://127.0.0.1:{port}")
        wait_until_ready(process, server.address + ready, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(database: str, **variables: str) -> dict[str, str]:
    """Return the environment without what is set here for the application."""
    ours = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    # The last one as in the image.
    chosen = {
        "DATABASE_URL": database,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "MALLOC_ARENA_MAX": "2",
    }
    return inherited | chosen | variables


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Raises `CannotStart`."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.1)
    output = log.read_text(errors="replace")[-2000:]
    raise CannotStart("A server that was to be measured does not start: %(output)s", output=output)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
