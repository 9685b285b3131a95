"""The export of everything as CSV: when it begins, how fast it goes, and what it costs others."""

import csv
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from benchmarks.load import Load, Request, pacing
from benchmarks.people import Keys
from benchmarks.routes import NotAsExpected
from benchmarks.servers import Running

PATH = "/admin/ticket/export/csv?status=all"
HEALTH = Request("/health")
HEALTH_RATE = 50
LOOKS_PER_SECOND = 20


@dataclass(frozen=True)
class Export:
    """`first_byte` in seconds, `growth` in bytes above what the worker held before."""

    rows: int
    first_byte: float
    rate: float
    growth: int
    health: Load


def measure(server: Running, keys: Keys) -> Export:
    """Raises `NotAsExpected` where the file does not hold as many tickets as it says."""
    with pacing(server.address, HEALTH, rate=HEALTH_RATE) as health, _growth(server) as growth:
        began = time.perf_counter()
        headers = keys.employer_browser
        with httpx.stream("GET", server.address + PATH, headers=headers, timeout=600) as answer:
            answer.raise_for_status()
            pieces = answer.iter_bytes()
            end = bytearray(next(pieces))
            first_byte, lines = time.perf_counter() - began, end.count(b"\n")
            for piece in pieces:
                lines += piece.count(b"\n")
                end = (end + piece)[-4096:]
        took = time.perf_counter() - began
    rows = _rows(bytes(end), lines)
    return Export(rows, first_byte, rows / took, max(growth), health.result())


def _rows(end: bytes, lines: int) -> int:
    """As many tickets as the totals at the end of the file say, if it has as many lines."""
    text = end.decode(errors="replace")
    totals = [*csv.reader(io.StringIO(text.partition("Totals,Tickets,Amount\r\n")[2]))]
    rows = sum(int(number) for _, number, _ in totals)
    # The titles, an empty line and those of the totals come on top.
    if not rows or lines != rows + 3 + len(totals):
        raise NotAsExpected(route="export", problem=f"{lines} lines for {rows} tickets")
    return rows


@contextmanager
def _growth(server: Running) -> Iterator[list[int]]:
    """How much more the worker holds than now, looked at again and again."""
    before, done = server.memory(), threading.Event()
    growth = [0]

    def look() -> None:
        while not done.wait(1 / LOOKS_PER_SECOND):
            growth.append(server.memory() - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield growth
    finally:
        done.set()
        watcher.join()
