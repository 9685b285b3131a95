"""The command line as a person uses it, in this process or in one of its own."""

import contextlib
import io
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import httpx
from sqlalchemy import text

from expenses.cli import main
from expenses.database.embedded import postmaster
from expenses.database.engine import Database
from expenses.settings import Settings
from tests.harness import PASSWORD, TestCase, demo_company, new_database

ACCOUNT = {
    "email": "ada@contoso.example",
    "password": PASSWORD,
    "username": "Ada",
    "role": "employee",
}

# Commands that listen on a port.
SERVERS = ("serve", "demo")


def free_port() -> int:
    """A port to listen on, out of the range in which outgoing connections are given theirs."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


EXECUTABLE = (sys.executable, "-m", "expenses")


class Ended(NamedTuple):
    status: object
    stdout: str
    stderr: str


class Running(NamedTuple):
    process: subprocess.Popen[bytes]
    address: str
    log: Path


def environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """That of whoever runs the tests, without what is set up there for the product."""
    ours = {name.upper() for name in Settings.model_fields}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith("OTEL_")
    }
    return kept | {"DATA_DIR": str(data_dir)} | variables


@contextlib.contextmanager
def spawned(command: Sequence[str], variables: dict[str, str], folder: Path) -> Iterator[Running]:
    """A server that is on its way up; its log is in the folder."""
    port = free_port()
    log = folder / f"log-{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port)], env=variables, stdout=output, stderr=output
        )
    try:
        yield Running(process, f"http://127.0.0.1:{port}", log)
    finally:
        kill(process)


def wait_until_ready(server: Running) -> Running:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{server.address}/ready").status_code == 200:
                return server
        time.sleep(0.1)
    raise AssertionError(server.log.read_text())


def kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


class CommandLineTestCase(TestCase):
    executable: Sequence[str] = EXECUTABLE

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="expenses cli ")
        self.addCleanup(folder.cleanup)
        self.data_dir = Path(folder.name) / "data"

    def environment(self, **variables: str) -> dict[str, str]:
        return environment(self.data_dir, **variables)

    def new_demo_company(self) -> str:
        """The address of a database as `expenses seed` leaves it; `data_dir` has the receipts."""
        company = demo_company()
        shutil.copytree(company.receipts, self.data_dir / "receipts")
        return new_database(company.database)

    def run_command(self, *arguments: str, typed: str = "", **variables: str) -> Ended:
        """A command that ends by itself, in this process: starting one takes seconds."""
        if arguments[0] in SERVERS and not {"--port", "--help"} & {*arguments}:
            arguments += ("--port", str(free_port()))
        output, errors = io.StringIO(), io.StringIO()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        status: object = 0
        with (
            patch.dict(os.environ, self.environment(**variables), clear=True),
            patch("sys.argv", ["expenses", *arguments]),
            patch("sys.stdin", io.StringIO(typed)),
            patch("typer.prompt", side_effect=typed.splitlines()),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            try:
                main()
            except SystemExit as end:
                status = end.code
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if isinstance(status, str):
            # What the interpreter does with a sentence.
            errors.write(status)
            status = 1
        return Ended(status, output.getvalue(), errors.getvalue())

    def assert_refused(self, ended: Ended, *words: str) -> None:
        """One sentence, exit status 1, no traceback."""
        self.assertEqual(ended.status, 1, ended.stderr)
        self.assertNotIn("Traceback", ended.stderr)
        [sentence] = [line for line in ended.stderr.splitlines() if line.startswith("expenses: ")]
        for word in words:
            self.assertIn(word, sentence)

    def start(self, *arguments: str, **variables: str) -> Running:
        return self.wait_until_ready(self.spawn(*arguments, **variables))

    def spawn(self, *arguments: str, **variables: str) -> Running:
        command = [*self.executable, *arguments]
        return self.enterContext(
            spawned(command, self.environment(**variables), self.data_dir.parent)
        )

    def wait_until_ready(self, server: Running) -> Running:
        return wait_until_ready(server)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        kill(process)

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
        process.send_signal(number)
        self.assertEqual(process.wait(30), 0)

    def has_postgres(self, folder: Path | None = None) -> bool:
        return postmaster.find((folder or self.data_dir) / "postgres") is not None

    def register(self, address: str) -> httpx.Client:
        client = httpx.Client(base_url=address)
        self.addCleanup(client.close)
        answer = client.post("/api/users", json=ACCOUNT)
        self.assertEqual(answer.status_code, 201, answer.text)
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return client


async def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    async with Database(url) as database, database.transaction() as connection:
        result = await connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []
