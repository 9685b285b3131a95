"""Uploading receipts of 1 MB, compared with writing the same bytes to the same storage."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from statistics import median

import httpx
from PIL import Image

from benchmarks.databases import add_pending_tickets
from benchmarks.load import TIMEOUT
from benchmarks.sample import Headers, Sample
from benchmarks.servers import RunningServer

SIZE = 1_000_000
UPLOADS = 20
# A page scanned with 240 dots per inch.
PIXELS, GRAIN, QUALITY = (1984, 2806), 30, 30


@dataclass(frozen=True)
class Uploads:
    """Seconds for one; `writing` only stores the bytes, `reading` looks into them as well."""

    application: float
    writing: float
    reading: float


def receipt_photo(number: int) -> bytes:
    """Return a JPEG of exactly 1 MB, a different one for each number."""
    return _photo()[:-8] + number.to_bytes(8, "big")


def file_of(sha256: str) -> str:
    """Return the path of a receipt's file in the storage."""
    return f"{sha256[:2]}/{sha256}/original"


def measure(
    application: RunningServer,
    floor: RunningServer,
    database: str,
    sample: Sample,
    headers: Headers,
) -> Uploads:
    """Upload in turns."""
    ids = asyncio.run(add_pending_tickets(database, sample.employee_id, UPLOADS))
    with httpx.Client(headers=headers.employee_api, timeout=TIMEOUT) as client:

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


@cache
def _photo() -> bytes:
    content = BytesIO()
    Image.effect_noise(PIXELS, GRAIN).convert("RGB").save(content, "JPEG", quality=QUALITY)
    # What follows the end of the picture is no part of it.
    return content.getvalue().ljust(SIZE, b"\0")
