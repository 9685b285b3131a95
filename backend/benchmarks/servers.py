"""Starting what is measured: the application as `expenses serve` starts it, and the floor."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from expenses.errors import CannotStart
from expenses.settings import Settings

START_TIMEOUT = 60
STOP_TIMEOUT = 20

APPLICATION = ("-m", "expenses", "serve", "--workers", "1", "--port")


@dataclass(frozen=True)
class RunningServer:
    process: subprocess.Popen[bytes]
    address: str

    def memory(self) -> int:
        """With one worker, the worker is the process itself."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def cpu(self) -> float:
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


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
def started(database: str, data_dir: Path, log: Path, *command: str) -> Iterator[RunningServer]:
    """Start Python with a command that ends with the port."""
    port = _free_port()
    # Nothing that is set here changes what is measured.
    ours = {name.upper() for name in Settings.model_fields}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    variables = {
        "DATABASE_URL": database,
        "DATA_DIR": str(data_dir),
        "SECRET_KEY": secrets.token_urlsafe(48),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, *command, str(port)],
            env=inherited | variables,
            stdout=output,
            stderr=output,
        )
    try:
        server = RunningServer(process, f"http://127.0.0.1:{port}")
        _wait_until_ready(server, log)
        yield server
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT)


def _wait_until_ready(server: RunningServer, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{server.address}/health").status_code == 200:
                return
        time.sleep(0.1)
    output = log.read_text(errors="replace")[-2000:]
    raise CannotStart("A server that was to be measured does not start: %(output)s", output=output)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
