"""Exporting all tickets as CSV: the first byte, the whole file, memory, and the health check."""

import csv
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from benchmarks.load import WrongAnswer, health_checks, p99
from benchmarks.sample import Headers
from benchmarks.servers import RunningServer

PATH = "/admin/ticket/export/csv?status=all"
TIMEOUT = 600
MEMORY_INTERVAL = 0.05


@dataclass(frozen=True)
class Export:
    """Times in seconds; `memory` is what the worker held more than before, in bytes; `health` is
    the p99 of the health check."""

    rows: int
    first_byte: float
    total: float
    memory: int
    health: float


def measure(server: RunningServer, headers: Headers) -> Export:
    """Raises `WrongAnswer` where the file does not hold as many tickets as its totals say."""
    url, browser = server.address + PATH, headers.employer_browser
    with health_checks(server.address) as health, _memory_growth(server) as growth:
        began = time.perf_counter()
        with httpx.stream("GET", url, headers=browser, timeout=TIMEOUT) as answer:
            answer.raise_for_status()
            pieces = answer.iter_bytes()
            end = next(pieces)
            first_byte, lines = time.perf_counter() - began, end.count(b"\n")
            for piece in pieces:
                lines += piece.count(b"\n")
                end = (end + piece)[-4096:]
        total = time.perf_counter() - began
    return Export(_checked_rows(end, lines), first_byte, total, max(growth), p99(health))


def _checked_rows(end: bytes, lines: int) -> int:
    text = end.decode(errors="replace")
    totals = [*csv.reader(io.StringIO(text.partition("Totals,Tickets,Amount\r\n")[2]))]
    rows = sum(int(number) for _, number, _ in totals)
    # The header, an empty line and the header of the totals come on top.
    if not rows or lines != rows + 3 + len(totals):
        raise WrongAnswer(path=PATH, problem=f"{lines} lines for {rows} tickets")
    return rows


@contextmanager
def _memory_growth(server: RunningServer) -> Iterator[list[int]]:
    before, stop, growth = server.memory(), threading.Event(), [0]

    def watch() -> None:
        while not stop.wait(MEMORY_INTERVAL):
            growth.append(server.memory() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield growth
    finally:
        stop.set()
        thread.join()
