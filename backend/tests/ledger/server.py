"""`expenses serve` as a process of its own, on one port and one data folder, however often."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from tests.command_line import free_port

TIMEOUT = 60
IGNORED_SETTINGS = {"DATABASE_URL", "SECRET_KEY", "DATA_DIR", "EMPLOYER_CODE"}


class ServerProcess:
    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / "log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that serves now."""
        return self._process.pid if self._process and self._process.poll() is None else None

    async def start(self) -> None:
        self._spawn()
        async with asyncio.timeout(TIMEOUT), httpx.AsyncClient() as client:
            while True:
                assert self.pid is not None, self.log.read_text()[-2000:]
                with suppress(httpx.TransportError):
                    if (await client.get(f"{self.address}/ready")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    def _spawn(self) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in IGNORED_SETTINGS}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "expenses", "serve", "--port", str(self.port)],
                env=kept | {"DATA_DIR": str(self.data_dir)},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """As a power cut would, as far as this process is concerned."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """The exit status of an end in good order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(TIMEOUT)
