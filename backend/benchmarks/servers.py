"""The processes that are measured: the application as `expenses serve` starts it, and the floor."""

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

READY_SECONDS = 60
STOP_SECONDS = 20
# What would make it another application than the one that is measured.
OURS = ("DATABASE_URL", "SECRET_KEY", "DATA_DIR", "EMPLOYER_CODE", "CURRENCY", "TIMEZONE")


@dataclass(frozen=True)
class Running:
    """A server that answers at `address`."""

    process: subprocess.Popen[bytes]
    address: str

    def memory(self) -> int:
        """What the worker holds, in bytes. With one worker it is the process itself."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def application(database: str, log: Path) -> Iterator[Running]:
    """`expenses serve`, with one worker, on a database."""
    port = _free_port()
    command = [sys.executable, "-m", "expenses", "serve", "--port", str(port), "--workers", "1"]
    variables = {"DATABASE_URL": database, "SECRET_KEY": secrets.token_urlsafe(48)}
    with _running(command, variables, port, log) as server:
        yield server


@contextmanager
def floor(database: str, plan: Path, log: Path) -> Iterator[Running]:
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.floor", str(port), str(plan)]
    with _running(command, {"DATABASE_URL": database}, port, log) as server:
        yield server


@contextmanager
def _running(
    command: list[str], variables: dict[str, str], port: int, log: Path
) -> Iterator[Running]:
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            command,
            env=inherited | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        server = Running(process, f"http://127.0.0.1:{port}")
        _wait_until_ready(server, log)
        yield server
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()


def _wait_until_ready(server: Running, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{server.address}/health").status_code == 200:
                return
        time.sleep(0.1)
    said = log.read_text(errors="replace")[-2000:]
    raise CannotStart("A server that was to be measured does not start: %(said)s", said=said)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
