"""The users and tickets that the requests are about."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import httpx

from benchmarks.company import PASSWORD, TICKETS_PER_EMPLOYEE
from benchmarks.fill import connected
from benchmarks.load import TIMEOUT

EMPLOYER = "SELECT email FROM users WHERE role = 'employer' ORDER BY id LIMIT 1"
# The one whose number of tickets is closest to the average.
EMPLOYEE = """
SELECT users.id, email FROM users JOIN tickets ON owner_id = users.id
WHERE suspended_at IS NULL GROUP BY users.id ORDER BY abs(count(*) - $1), users.id LIMIT 1
"""
APPROVED = """
SELECT tickets.id FROM tickets JOIN users ON users.id = owner_id
WHERE suspended_at IS NULL AND status = 'approved'
  AND tickets.id > (SELECT max(id) / 2 FROM tickets)
ORDER BY tickets.id LIMIT 1
"""
RUN = """
WITH paid AS (SELECT id FROM payment_runs WHERE status = 'paid' AND currency = 'USD')
SELECT id FROM paid ORDER BY id OFFSET (SELECT count(*) / 2 FROM paid) LIMIT 1
"""
# The last tickets with a file, or an invoice in another file, that an earlier one has.
COPY = """
SELECT receipts.ticket_id FROM receipts JOIN users ON users.id = owner_id
JOIN receipts AS earlier ON earlier.{shared} = receipts.{shared}
     AND earlier.ticket_id < receipts.ticket_id
WHERE suspended_at IS NULL AND (earlier.sha256 = receipts.sha256) = {same_file}
ORDER BY receipts.ticket_id DESC LIMIT 1
"""
MIDDLE = """
WITH shown AS (
    SELECT tickets.id, spent_on, amount FROM tickets JOIN users ON users.id = owner_id
    WHERE suspended_at IS NULL {condition}
)
SELECT * FROM shown ORDER BY {order}
OFFSET (SELECT greatest(0, count(*) / 2 - 1) FROM shown) LIMIT 1
"""


class Row(NamedTuple):
    """A ticket in the middle of a list: the page that begins after it is a deep one."""

    id: int
    spent_on: date
    amount: Decimal


@dataclass(frozen=True)
class Sample:
    """`by_*` are in the middle of all tickets in that order, and so are event and run of theirs."""

    employer_email: str
    employee_id: int
    employee_email: str
    approved_id: int
    by_id: Row
    by_date: Row
    by_amount: Row
    pending: Row
    event_id: int
    run_id: int
    same_file_id: int
    same_invoice_id: int


@dataclass(frozen=True)
class Headers:
    """The headers of two logged-in users, each with a program and a browser."""

    employer_api: dict[str, str]
    employee_api: dict[str, str]
    employer_browser: dict[str, str]
    employee_browser: dict[str, str]


async def choose(address: str) -> Sample:
    async with connected(address) as connection:
        employee = await connection.fetchrow(EMPLOYEE, TICKETS_PER_EMPLOYEE)
        return Sample(
            employer_email=await connection.fetchval(EMPLOYER),
            employee_id=employee["id"],
            employee_email=employee["email"],
            approved_id=await connection.fetchval(APPROVED),
            by_id=await _middle(connection, "id DESC"),
            by_date=await _middle(connection, "spent_on DESC, id DESC"),
            by_amount=await _middle(connection, "amount DESC, id DESC"),
            pending=await _middle(connection, "id", "AND status = 'pending'"),
            event_id=await connection.fetchval("SELECT max(id) / 2 FROM events"),
            run_id=await connection.fetchval(RUN),
            same_file_id=await connection.fetchval(COPY.format(shared="sha256", same_file=True)),
            same_invoice_id=await connection.fetchval(
                COPY.format(shared="invoice_key", same_file=False)
            ),
        )


def log_in(server: str, sample: Sample) -> Headers:
    users = sample.employer_email, sample.employee_email
    return Headers(
        *(_api_headers(server, email) for email in users),
        *(_browser_headers(server, email) for email in users),
    )


async def _middle(connection: Any, order: str, condition: str = "") -> Row:
    return Row(*await connection.fetchrow(MIDDLE.format(order=order, condition=condition)))


def _api_headers(server: str, email: str) -> dict[str, str]:
    body = {"email": email, "password": PASSWORD}
    answer = httpx.post(f"{server}/api/session", json=body, timeout=TIMEOUT)
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def _browser_headers(server: str, email: str) -> dict[str, str]:
    with httpx.Client(base_url=server, timeout=TIMEOUT) as client:
        form = {"email": email, "password": PASSWORD}
        answer = client.post("/login", data=form, headers={"Origin": server})
        if answer.status_code != 303:
            answer.raise_for_status()
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return {"Cookie": cookies, "Accept-Encoding": "gzip", "Accept": "text/html"}
