"""Logging in: how many a second, compared with hashing alone, and the health check meanwhile."""

import asyncio
import json
import time
from dataclasses import dataclass

from benchmarks.company import PASSWORD
from benchmarks.load import Request, health_checks, p99, run_wrk
from benchmarks.sample import Sample
from expenses.users.passwords import hash_password, verify_password

CLIENTS = 8
# One log-in takes a second where eight are under way.
SECONDS = 10


@dataclass(frozen=True)
class LogIns:
    """Log-ins per second, passwords verified per second when nothing else is done, and the p99 of
    the health check."""

    rate: float
    hashing: float
    health: float


def measure(server: str, sample: Sample) -> LogIns:
    """Raises `WrongAnswer`."""
    request = Request(
        "/api/session",
        {"Content-Type": "application/json"},
        "POST",
        json.dumps({"email": sample.employee_email, "password": PASSWORD}),
        fewest_bytes=100,
        most_bytes=1000,
    )
    hashing = asyncio.run(_verify_passwords())
    with health_checks(server) as health:
        load = run_wrk(server, request, clients=CLIENTS, seconds=SECONDS)
    return LogIns(load.rate, hashing, p99(health))


async def _verify_passwords() -> float:
    password_hash = await hash_password(PASSWORD)
    began, verified = time.monotonic(), 0

    async def repeat() -> None:
        nonlocal verified
        while time.monotonic() < began + SECONDS:
            assert await verify_password(PASSWORD, password_hash)
            verified += 1

    await asyncio.gather(*(repeat() for _ in range(CLIENTS)))
    return verified / (time.monotonic() - began)
