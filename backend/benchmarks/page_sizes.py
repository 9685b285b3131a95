"""How long pages are before they are compressed."""

import asyncio
from dataclasses import dataclass

import httpx

from benchmarks.databases import add_pending_tickets
from benchmarks.deployment import Deployment
from benchmarks.load import TIMEOUT

QUEUE = "/admin/ticket/list?status=pending"


@dataclass(frozen=True)
class PageSizes:
    """In bytes: 50 rows of the console, and what comes back after one of them was decided."""

    page: int
    fragment: int


def measure(deployment: Deployment) -> PageSizes:
    owner_id, address = deployment.sample.employee_id, deployment.application.address
    [number] = asyncio.run(add_pending_tickets(deployment.database, owner_id, 1))
    browser = deployment.headers.employer_browser | {"Origin": address}
    with httpx.Client(base_url=address, headers=browser, timeout=TIMEOUT) as client:
        page = client.get(QUEUE).raise_for_status()
        fragment = client.post(
            f"/admin/ticket/{number}/approve", data={"next": QUEUE}, headers={"X-Fragment": "row"}
        ).raise_for_status()
    return PageSizes(len(page.content), len(fragment.content))
