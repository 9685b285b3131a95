"""How many log-ins a second: through the API, and what hashing alone comes to."""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass

from benchmarks.company import PASSWORD
from benchmarks.load import Load, Request, pacing, run_wrk
from benchmarks.people import Sample
from expenses.users.passwords import hash_password, verify_password

AT_ONCE = 8
HEALTH = Request("/health")
HEALTH_RATE = 50


@dataclass(frozen=True)
class LogIns:
    """`hashing` is how many passwords a second the core compares when it does nothing else."""

    load: Load
    hashing: float
    health: Load


def measure(server: str, sample: Sample, *, seconds: int) -> LogIns:
    emails = (sample.employee_email, sample.employer_email)
    request = Request(
        "/api/session",
        {"Content-Type": "application/json"},
        "POST",
        bodies=tuple(json.dumps({"email": email, "password": PASSWORD}) for email in emails),
        least_bytes=100,
        most_bytes=1000,
    )
    hashing = _hashing_alone(seconds)
    with pacing(server, HEALTH, rate=HEALTH_RATE) as health:
        load = run_wrk(server, request, clients=AT_ONCE, seconds=seconds)
    return LogIns(load, hashing, health.result())


def _hashing_alone(seconds: int) -> float:
    """In a process of its own, as everything else is."""
    said = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.log_ins", str(seconds)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(said.stdout)


async def _compare(seconds: float) -> float:
    password_hash = await hash_password(PASSWORD)
    began, compared = time.monotonic(), 0

    async def repeat() -> None:
        nonlocal compared
        while time.monotonic() < began + seconds:
            assert await verify_password(PASSWORD, password_hash)
            compared += 1

    await asyncio.gather(*(repeat() for _ in range(AT_ONCE)))
    return compared / (time.monotonic() - began)


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(_compare(float(sys.argv[1])))))
