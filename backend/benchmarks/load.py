"""Load: requests sent by wrk, and the health check that is called beside them."""

import json
import shutil
import statistics
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from expenses.errors import CannotStart, ExpensesError

SCRIPT = Path(__file__).with_name("answers.lua")
TIMEOUT = 60
# What does not answer once in the planned time gets this many times as long.
LONGER = 10
HEALTH_CHECKS_PER_SECOND = 50


class WrongAnswer(ExpensesError):
    """A run ends with the first one: figures of wrong answers say nothing."""

    template = "%(path)s: %(problem)s"


@dataclass(frozen=True)
class Request:
    """A request and what its answer must be like. A %d in `path` stands for one of `ids`."""

    path: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: str = ""
    ids: range | None = None
    status: int = 200
    fewest_bytes: int = 0
    most_bytes: int = 1_000_000


class Load(NamedTuple):
    """Seconds, and requests per second; `cpu` and `database_cpu` are per request."""

    p50: float
    p99: float
    rate: float
    requests: int
    cpu: float = 0.0
    database_cpu: float = 0.0


def ensure_wrk() -> None:
    """Raises `CannotStart` where wrk is not installed."""
    if shutil.which("wrk") is None:
        raise CannotStart("The benchmark needs wrk: apt-get install wrk, or brew install wrk.")


def run_wrk(address: str, request: Request, *, clients: int, seconds: int) -> Load:
    """Each client sends its next request as soon as the last one is answered.

    Raises `WrongAnswer`.
    """
    found = _wrk(address, request, clients, seconds)
    if not found["requests"]:
        found = _wrk(address, request, clients, seconds * LONGER)
    if found["wrong"] or not found["requests"]:
        problem = "{wrong} of {requests} answers wrong or missing. {example}".format(**found)
        raise WrongAnswer(path=request.path, problem=problem)
    return Load(found["p50"], found["p99"], found["requests"] / found["seconds"], found["requests"])


def send_one_by_one(address: str, request: Request, number: int) -> None:
    """Raises `WrongAnswer`."""
    with httpx.Client(base_url=address, timeout=TIMEOUT) as client:
        for position in range(number):
            path = request.path % request.ids[position] if request.ids else request.path
            answer = client.request(
                request.method, path, headers=dict(request.headers), content=request.body
            )
            if answer.status_code != request.status:
                raise WrongAnswer(path=path, problem=f"status {answer.status_code}")


@contextmanager
def repeated(measure: Callable[[], float], per_second: int) -> Iterator[list[float]]:
    """Meanwhile, measure something again and again, and collect what it is."""
    values: list[float] = []
    stop = threading.Event()

    def repeat() -> None:
        while not stop.wait(1 / per_second):
            values.append(measure())

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield values
    finally:
        stop.set()
        thread.join()


@contextmanager
def health_checks(address: str) -> Iterator[list[float]]:
    """Meanwhile, collect how long the health check takes."""
    with httpx.Client(base_url=address, timeout=TIMEOUT) as client:

        def check() -> float:
            return client.get("/health").raise_for_status().elapsed.total_seconds()

        with repeated(check, HEALTH_CHECKS_PER_SECOND) as times:
            yield times


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[98]


def _wrk(address: str, request: Request, clients: int, seconds: int) -> Any:
    headers = [part for header in request.headers.items() for part in ("-H", ": ".join(header))]
    expected = [str(request.status), str(request.fewest_bytes), str(request.most_bytes)]
    sent = [request.method, request.body]
    if request.ids:
        sent += [request.path, str(request.ids[0])]
    output = subprocess.run(  # noqa: S603
        [
            *("wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"),
            *("--timeout", f"{TIMEOUT}s", "--script", str(SCRIPT), *headers),
            *(address + request.path.replace("%d", "0"), "--", *expected, *sent),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return json.loads(output.partition("MEASURED ")[2])
