"""A crowd: many people with open browsers, and two processes of the application behind nginx."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import itsdangerous
from pydantic import SecretStr

from benchmarks import proxy, servers
from benchmarks.databases import add_pending_tickets
from benchmarks.deployment import Deployment
from benchmarks.fill import connected
from benchmarks.load import WrongAnswer
from benchmarks.photo import receipt_photo
from expenses.database.engine import Database
from expenses.errors import CannotStart
from expenses.settings import Settings
from expenses.users.sessions import start_session
from expenses.users.throttling import Caller
from expenses.web.security.cookies import SESSION

LOCUST_FILE = Path(__file__).with_name("browsing.py")
PROCESSES = 2
USERS, SECONDS = 2_000, 60
# Seconds that somebody reads before the next page; nginx closes a connection after 75.
READING = (20, 70)
CALLER = Caller("127.0.0.1")
USERS_PER_EMPLOYER = 20
NEW_USERS_PER_SECOND = 200
# More than they decide.
PENDING = 1_000
# By which a browser has opened its connection before it opens a page.
CONNECTING = "/nginx-health"
ANYBODY = "SELECT id FROM users WHERE role = $1 AND suspended_at IS NULL ORDER BY id LIMIT $2"


@dataclass(frozen=True)
class Crowd:
    """Seconds of all pages together, and pages per second; `wanted_rate` is without any waiting."""

    users: int
    pages: int
    errors: int
    rate: float
    wanted_rate: float
    p50: float
    p99: float


def ensure_installed() -> None:
    """Raises `CannotStart` where nginx or locust is not installed."""
    proxy.ensure_nginx()
    if find_spec("locust") is None:
        raise CannotStart("The crowd needs locust: run this by uv run --group benchmarks.")


def measure(deployment: Deployment, users: int) -> Crowd:
    """Everybody has logged in before, and opens a page every 45 seconds."""
    folder, secret = deployment.log.parent, secrets.token_urlsafe(48)
    with TemporaryDirectory(prefix="crowd_", dir=folder) as files, ExitStack() as stack:
        variables = {"DATA_DIR": files, "SECRET_KEY": secret}
        addresses = [
            stack.enter_context(
                servers.started(servers.APPLICATION, deployment.database, log, **variables)
            ).address
            for log in (folder / f"crowd_{number}.log" for number in range(PROCESSES))
        ]
        address = stack.enter_context(proxy.nginx(addresses, Path(files)))
        people = asyncio.run(_people(deployment, secret, users))
        people["reading"] = READING
        people["receipt"] = _add_receipt(address, people)
        Path(files, "people.json").write_text(json.dumps(people))
        return _browse(address, Path(files), folder / "crowd.log", users)


async def _people(deployment: Deployment, secret: str, users: int) -> dict[str, Any]:
    """Begin everybody's session, without hashing their passwords."""
    address, owner = deployment.database, deployment.sample.employee_id
    employers = max(1, users // USERS_PER_EMPLOYER)
    pending = await add_pending_tickets(address, owner, PENDING)
    async with connected(address) as connection:
        ids = {
            role: [row["id"] for row in await connection.fetch(ANYBODY, role, number)]
            for role, number in (("employee", users - employers), ("employer", employers))
        }
    settings = Settings(secret_key=SecretStr(secret))
    async with Database(address) as database, database.transaction() as connection:

        async def cookie(user_id: int) -> str:
            started = await start_session(
                connection, user_id, caller=CALLER, settings=settings, is_registering=True
            )
            data = b64encode(json.dumps({"token": started.token}).encode())
            return f"{SESSION}={itsdangerous.TimestampSigner(secret).sign(data).decode()}"

        async def cookies(users: list[int], number: int) -> list[str]:
            return [await cookie(user_id) for user_id in islice(cycle(users), number)]

        return {
            "employees": await cookies(ids["employee"], users - employers),
            "employers": await cookies(ids["employer"], employers),
            "owner": await cookie(owner),
            "pending": list(pending),
        }


def _add_receipt(address: str, people: dict[str, Any]) -> str:
    """Return its address; the employers look at it."""
    receipts = f"{address}/api/tickets/{people['pending'][0]}/receipts"
    headers = {"Cookie": people["owner"], "Origin": address}
    photo = {"file": ("lunch.jpg", receipt_photo(0))}
    answer = httpx.post(receipts, headers=headers, files=photo, timeout=60).raise_for_status()
    return f"/api/tickets/{people['pending'][0]}/receipts/{answer.json()['id']}"


def _browse(address: str, files: Path, log: Path, users: int) -> Crowd:
    """Let locust open pages; the log says which answers were wrong."""
    options = {
        "--locustfile": LOCUST_FILE,
        "--host": address,
        "--users": users,
        "--spawn-rate": NEW_USERS_PER_SECOND,
        "--run-time": f"{users // NEW_USERS_PER_SECOND + SECONDS}s",
        "--json-file": files / "crowd",
        "--exit-code-on-error": 0,
    }
    arguments = [str(part) for option in options.items() for part in option]
    command = [sys.executable, "-m", "locust", "--headless", "--reset-stats", *arguments]
    variables = os.environ | {"CROWD": str(files / "people.json")}
    with log.open("wb") as output:
        locust = subprocess.run(  # noqa: S603
            command, env=variables, stdout=output, stderr=output, check=False
        )
    if locust.returncode:
        raise WrongAnswer(path=LOCUST_FILE.name, problem=log.read_text(errors="replace")[-2000:])
    return count(json.loads((files / "crowd.json").read_text()), users)


def count(pages: list[dict[str, Any]], users: int) -> Crowd:
    """Add up what locust has counted of each page, by milliseconds."""
    times: Counter[int] = Counter()
    pages = [page for page in pages if page["name"] != CONNECTING]
    for page in pages:
        times.update({int(ms): number for ms, number in page["response_times"].items()})
    number = sum(page["num_requests"] for page in pages)
    return Crowd(
        users=users,
        pages=number,
        errors=sum(page["num_failures"] for page in pages),
        rate=number / SECONDS,
        wanted_rate=users / mean(READING),
        p50=_percentile(times, 0.5),
        p99=_percentile(times, 0.99),
    )


def _percentile(times: Counter[int], share: float) -> float:
    """Return seconds."""
    sorted_times = sorted(times.elements())
    return sorted_times[int(len(sorted_times) * share)] / 1000
