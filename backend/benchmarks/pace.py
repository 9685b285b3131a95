"""Requests at a fixed rate, in a process of its own.

A request's time counts from the moment it was due, not from when it could be sent: a server that
stops for a second is charged with everything that would have come in during that second.
"""

import asyncio
import json
import signal
import statistics
import sys
from collections.abc import Mapping
from time import perf_counter, sleep
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

CONNECTIONS = 64
# For answers that are still to come at the end.
PATIENCE = 30


class Connection(asyncio.Protocol):
    """One request at a time, over a connection that is kept."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._answer: asyncio.Future[tuple[int, int]] | None = None

    async def send(self, request: bytes) -> tuple[int, int]:
        """Status and number of bytes of the answer; a status of 0 where there was none."""
        self._parser, self._length = httptools.HttpResponseParser(self), 0
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._length += len(body)

    def on_message_complete(self) -> None:
        self._finish(self._parser.get_status_code())

    def connection_lost(self, _error: Exception | None) -> None:
        self._finish(0)

    def _finish(self, status: int) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, self._length))


async def pace(
    url: str,
    rate: float,
    seconds: float,
    expected: tuple[int, int, int],
    headers: Mapping[str, str],
) -> dict[str, float]:
    """`expected` is the status, and the least and most bytes of an answer. SIGTERM ends it."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    host, port = urlsplit(url).hostname or "", urlsplit(url).port or 80
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        _, connection = await loop.create_connection(Connection, host, port)
        free.put_nowait(connection)
    request = _request(url, headers)
    times: list[float] = []
    wrong = 0

    async def ask(due: float) -> None:
        nonlocal wrong
        connection = await free.get()
        status, length = await connection.send(request)
        times.append(perf_counter() - due)
        wrong += status != expected[0] or not expected[1] <= length <= expected[2]
        free.put_nowait(connection)

    began, asked = perf_counter(), set[asyncio.Task[None]]()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await _until(due)
        if stop.is_set():
            break
        asked.add(asyncio.create_task(ask(due)))
    took = perf_counter() - began
    _, lost = await asyncio.wait(asked, timeout=PATIENCE)
    hundredths = statistics.quantiles(times, n=100, method="inclusive")
    return {
        "p50": hundredths[49],
        "p99": hundredths[98],
        "longest": max(times),
        "rate": len(times) / took,
        "requests": len(times),
        "wrong": wrong,
        "lost": len(lost),
    }


async def _until(moment: float) -> None:
    """The loop's own clock knows whole milliseconds only. A thread sleeps nearly to the moment, and
    leaves the processors to what is measured meanwhile."""
    if (left := moment - perf_counter()) > 0:
        await asyncio.to_thread(sleep, left)


def _request(url: str, headers: Mapping[str, str]) -> bytes:
    address = urlsplit(url)
    target = address.path + (f"?{address.query}" if address.query else "")
    lines = [f"GET {target} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def main() -> None:
    url, rate, seconds, status, least, most, headers = sys.argv[1:]
    expected = int(status), int(least), int(most)
    found = uvloop.run(pace(url, float(rate), float(seconds), expected, json.loads(headers)))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
