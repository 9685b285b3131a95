"""Exporting all tickets as CSV: the first byte, the whole file, memory, and the health check."""

import time
from dataclasses import dataclass

import httpx

from benchmarks.load import WrongAnswer, health_checks, p99, repeated
from benchmarks.sample import Headers
from benchmarks.servers import RunningServer

PATH = "/admin/ticket/export/csv?status=all"
TIMEOUT = 600
MEMORY_CHECKS_PER_SECOND = 20


@dataclass(frozen=True)
class Export:
    """Times in seconds; `memory` is what the worker held more than before, in bytes; `health` is
    the p99 of the health check."""

    rows: int
    first_byte: float
    total: float
    memory: float
    health: float


def measure(server: RunningServer, headers: Headers) -> Export:
    """Raises `WrongAnswer` where the file is not complete."""
    url, browser = server.address + PATH, headers.employer_browser
    before, began = server.memory(), time.perf_counter()
    rows, end, first_byte = 0, b"", 0.0
    with (
        health_checks(server.address) as health,
        repeated(server.memory, MEMORY_CHECKS_PER_SECOND) as memory,
        httpx.stream("GET", url, headers=browser, timeout=TIMEOUT) as answer,
    ):
        for piece in answer.raise_for_status().iter_bytes():
            first_byte = first_byte or time.perf_counter() - began
            rows += piece.count(b"\r\n")
            end = (end + piece)[-4096:]
        total = time.perf_counter() - began
    if b"Totals,Tickets,Amount" not in end:
        raise WrongAnswer(path=PATH, problem="the totals at the end are missing")
    return Export(rows, first_byte, total, max(memory) - before, p99(health))
