"""The health check while everything that takes long is done at once."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from benchmarks import exports
from benchmarks.company import PASSWORD
from benchmarks.databases import add_pending_tickets
from benchmarks.deployment import Deployment
from benchmarks.exports import Export
from benchmarks.load import TIMEOUT
from benchmarks.photo import receipt_photo

LOG_INS, RECEIPTS = 8, 4
# More than are uploaded meanwhile.
MOST_RECEIPTS = 400


def measure(deployment: Deployment) -> Export:
    """Export everything while people log in and upload receipts, again and again."""
    with _log_ins_and_uploads(deployment):
        return exports.measure(deployment.application, deployment.headers)


@contextmanager
def _log_ins_and_uploads(deployment: Deployment) -> Iterator[None]:
    """Raises what any of them has raised."""
    employee_id = deployment.sample.employee_id
    tickets = asyncio.run(add_pending_tickets(deployment.database, employee_id, MOST_RECEIPTS))
    stop = threading.Event()
    with (
        httpx.Client(base_url=deployment.application.address, timeout=TIMEOUT) as client,
        ThreadPoolExecutor(LOG_INS + RECEIPTS) as threads,
    ):

        def log_in(_number: int) -> httpx.Response:
            form = {"email": deployment.sample.employee_email, "password": PASSWORD}
            headers = {"Content-Type": "application/json"}
            return client.post("/api/session", content=json.dumps(form), headers=headers)

        def upload(number: int) -> httpx.Response:
            path = f"/api/tickets/{tickets[number]}/receipts"
            photo = {"file": ("lunch.jpg", receipt_photo(1000 + number))}
            return client.post(path, files=photo, headers=deployment.headers.employee_api)

        def repeat(send: Callable[[int], httpx.Response], first: int) -> None:
            for number in range(first, MOST_RECEIPTS, RECEIPTS):
                if stop.is_set():
                    return
                send(number).raise_for_status()

        tasks = [threads.submit(repeat, log_in, number % RECEIPTS) for number in range(LOG_INS)]
        tasks += [threads.submit(repeat, upload, number) for number in range(RECEIPTS)]
        try:
            yield
        finally:
            stop.set()
        for task in tasks:
            task.result()
