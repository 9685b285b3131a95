"""Whom and what the routes are measured with, chosen from a filled database, and logged in."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from benchmarks.company import PASSWORD, TICKETS_EACH
from benchmarks.fill import connected

EMPLOYER = "SELECT email FROM users WHERE role = 'employer' ORDER BY id LIMIT 1"
# With as many tickets as most have, in companies of any size.
USUAL_EMPLOYEE = """
SELECT users.id, email FROM users JOIN tickets ON owner_id = users.id
WHERE suspended_at IS NULL GROUP BY users.id ORDER BY abs(count(*) - $1), users.id LIMIT 1
"""
MIDDLE = """
SELECT tickets.id, spent_on, amount FROM tickets JOIN users ON users.id = owner_id
WHERE suspended_at IS NULL {where} ORDER BY {order} OFFSET {offset} LIMIT 1
"""


@dataclass(frozen=True)
class Place:
    """A row in the middle of a list: a page that begins behind it is deep."""

    id: int
    spent_on: date
    amount: Decimal


@dataclass(frozen=True)
class Sample:
    """`by_*` are places in the middle of all tickets, in that order."""

    employer_email: str
    employee_id: int
    employee_email: str
    last_id: int
    decided_id: int
    by_id: Place
    by_day: Place
    by_amount: Place
    pending: Place


@dataclass(frozen=True)
class Keys:
    """What opens the doors: header fields of programs and of browsers."""

    employer_program: dict[str, str]
    employee_program: dict[str, str]
    employer_browser: dict[str, str]
    employee_browser: dict[str, str]


async def choose(address: str) -> Sample:
    async with connected(address) as connection:
        employee = await connection.fetchrow(USUAL_EMPLOYEE, TICKETS_EACH)
        last_id = await connection.fetchval("SELECT max(id) FROM tickets")
        return Sample(
            employer_email=await connection.fetchval(EMPLOYER),
            employee_id=employee["id"],
            employee_email=employee["email"],
            last_id=last_id,
            decided_id=await connection.fetchval(
                "SELECT tickets.id FROM tickets JOIN users ON users.id = owner_id"
                " WHERE suspended_at IS NULL AND status = 'approved' AND tickets.id > $1"
                " ORDER BY tickets.id LIMIT 1",
                last_id // 2,
            ),
            by_id=await _middle(connection, "tickets.id DESC"),
            by_day=await _middle(connection, "spent_on DESC, tickets.id DESC"),
            by_amount=await _middle(connection, "amount DESC, tickets.id DESC"),
            pending=await _middle(connection, "tickets.id", "AND status = 'pending'"),
        )


def log_in(server: str, sample: Sample) -> Keys:
    """As anybody would, with the password."""
    return Keys(
        employer_program=_program(server, sample.employer_email),
        employee_program=_program(server, sample.employee_email),
        employer_browser=_browser(server, sample.employer_email),
        employee_browser=_browser(server, sample.employee_email),
    )


async def _middle(connection: Any, order: str, where: str = "") -> Place:
    number = await connection.fetchval(
        "SELECT count(*) FROM tickets JOIN users ON users.id = owner_id"  # noqa: S608
        f" WHERE suspended_at IS NULL {where}"
    )
    row = await connection.fetchrow(
        MIDDLE.format(order=order, where=where, offset=max(0, number // 2 - 1))
    )
    return Place(*row)


def _program(server: str, email: str) -> dict[str, str]:
    answer = httpx.post(f"{server}/api/session", json={"email": email, "password": PASSWORD})
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def _browser(server: str, email: str) -> dict[str, str]:
    """With what every browser says of itself, as far as it matters here."""
    with httpx.Client(base_url=server) as client:
        answer = client.post(
            "/login", data={"email": email, "password": PASSWORD}, headers={"Origin": server}
        )
        if answer.status_code != 303:
            answer.raise_for_status()
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    return {"Cookie": cookie, "Accept-Encoding": "gzip", "Accept": "text/html"}
