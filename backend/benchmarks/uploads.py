"""Uploading receipts of 1 MB, compared with writing the same bytes to the same storage."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import httpx

from benchmarks.databases import add_pending_tickets
from benchmarks.deployment import Deployment
from benchmarks.load import TIMEOUT
from benchmarks.photo import receipt_photo

UPLOADS = 20


@dataclass(frozen=True)
class Uploads:
    """Seconds for one; `writing` only stores the bytes, `reading` looks into them as well."""

    application: float
    writing: float
    reading: float


def measure(deployment: Deployment) -> Uploads:
    """Upload in turns."""
    owner_id, headers = deployment.sample.employee_id, deployment.headers.employee_api
    application, floor = deployment.application, deployment.floor
    ids = asyncio.run(add_pending_tickets(deployment.database, owner_id, UPLOADS))
    with httpx.Client(headers=headers, timeout=TIMEOUT) as client:

        def upload(number: int) -> httpx.Request:
            url = f"{application.address}/api/tickets/{ids[number]}/receipts"
            photo = ("lunch.jpg", receipt_photo(3 * number + 1))
            return client.build_request("POST", url, files={"file": photo})

        def write(number: int) -> httpx.Request:
            url, photo = f"{floor.address}/write", receipt_photo(3 * number + 2)
            return client.build_request("POST", url, content=photo)

        def read(number: int) -> httpx.Request:
            url, photo = f"{floor.address}/read", receipt_photo(3 * number + 3)
            return client.build_request("POST", url, content=photo)

        requests: tuple[Callable[[int], httpx.Request], ...] = (upload, write, read)
        rounds = [
            [_seconds(client, request(number)) for request in requests] for number in range(UPLOADS)
        ]
    return Uploads(*map(median, zip(*rounds, strict=True)))


def _seconds(client: httpx.Client, request: httpx.Request) -> float:
    request.read()
    began = time.perf_counter()
    client.send(request).raise_for_status()
    return time.perf_counter() - began
