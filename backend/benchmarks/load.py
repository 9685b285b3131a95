"""Making load, always from a process of its own: as fast as it goes, or at a fixed rate."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import wrk
from expenses.errors import ExpensesError

SCRIPT = Path(__file__).with_name("answers.lua")
PATIENCE = "60s"
LONGER = 10


class WrongAnswers(ExpensesError):
    """What answers wrongly may be as fast as it likes."""

    template = "%(path)s: %(wrong)s of %(requests)s answers wrong or missing. %(example)s"


@dataclass(frozen=True)
class Request:
    """What is sent, and what must come back. In `path` a %d stands for `numbers`, one by one."""

    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    bodies: tuple[str, ...] = ()
    numbers: range = range(0)
    status: int = 200
    least_bytes: int = 0
    most_bytes: int = 1_000_000


@dataclass(frozen=True)
class Load:
    """What one measurement came to; times in seconds."""

    p50: float
    p99: float
    rate: float
    requests: int
    longest: float = 0.0
    # Processor time for each request, where it was looked at.
    server: float | None = None
    database: float | None = None


def run_wrk(address: str, request: Request, *, clients: int, seconds: int) -> Load:
    """Each client sends its next request once the last one is answered. Raises `WrongAnswers`."""
    found = _wrk(address, request, clients, seconds)
    if not found["requests"]:
        # What is too slow to answer even once in this time is measured all the same.
        found = _wrk(address, request, clients, seconds * LONGER)
    _judge(request.path, found)
    return Load(found["p50"], found["p99"], found["requests"] / found["seconds"], found["requests"])


def _wrk(address: str, request: Request, clients: int, seconds: int) -> Any:
    with _bodies(request) as bodies:
        said = subprocess.run(  # noqa: S603
            [
                wrk(),
                *("--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"),
                *("--timeout", PATIENCE, "--script", str(SCRIPT)),
                *_headers(request),
                address + request.path.replace("%d", "0"),
                "--",
                *_arguments(request, bodies),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return json.loads(said.partition("MEASURED ")[2])


def run_paced(address: str, request: Request, *, rate: float, seconds: int) -> Load:
    """So many requests a second, however long the answers take. Raises `WrongAnswers`."""
    with pacing(address, request, rate=rate, seconds=seconds) as paced:
        paced.wait()
    return paced.result()


@dataclass
class Paced:
    """Requests at a fixed rate that are under way."""

    process: subprocess.Popen[str]
    path: str
    said: str | None = None

    def wait(self) -> None:
        """Until it has ended, and has said what it found."""
        if self.said is None:
            self.said = self.process.communicate()[0]

    def result(self) -> Load:
        """After the end. Raises `WrongAnswers`."""
        if self.process.returncode != 0 or not self.said:
            raise WrongAnswers(path=self.path, wrong="all", requests="the paced", example="")
        found = json.loads(self.said)
        _judge(self.path, found)
        found = {name: found[name] for name in ("p50", "p99", "rate", "requests", "longest")}
        return Load(**found)


@contextmanager
def pacing(address: str, request: Request, *, rate: float, seconds: int = 600) -> Iterator[Paced]:
    """Meanwhile; at the end of the block it stops."""
    process = subprocess.Popen(  # noqa: S603
        [
            *(sys.executable, "-m", "benchmarks.pace", address + request.path),
            *(str(rate), str(seconds), str(request.status)),
            *(str(request.least_bytes), str(request.most_bytes), json.dumps(dict(request.headers))),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    paced = Paced(process, request.path)
    try:
        yield paced
    finally:
        if process.poll() is None:
            process.terminate()
        paced.wait()


@contextmanager
def _bodies(request: Request) -> Iterator[str]:
    """The name of a file with one body on each line; empty where there is none."""
    if not request.bodies:
        yield ""
        return
    with tempfile.NamedTemporaryFile("w", suffix=".bodies") as file:
        file.write("\n".join(request.bodies))
        file.flush()
        yield file.name


def _headers(request: Request) -> list[str]:
    return [part for name, value in request.headers.items() for part in ("-H", f"{name}: {value}")]


def _arguments(request: Request, bodies: str) -> list[str]:
    bounds = [str(request.status), str(request.least_bytes), str(request.most_bytes)]
    arguments = [*bounds, request.method, bodies]
    if request.numbers:
        arguments += [request.path, str(request.numbers[0]), str(request.numbers[-1])]
    return arguments


def _judge(path: str, found: dict[str, float]) -> None:
    wrong = found["wrong"] + found["lost"]
    if wrong or not found["requests"]:
        raise WrongAnswers(
            path=path, wrong=wrong, requests=found["requests"], example=found.get("example", "")
        )
