"""What is measured: every list in every order, one ticket, the writes, the overview."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from benchmarks import words
from benchmarks.load import Request
from benchmarks.people import Keys, Place, Sample
from expenses.errors import ExpensesError
from expenses.tickets.filters import Position, Sort
from expenses.web.pagination import encode_position

API_ROWS, CONSOLE_ROWS, PORTAL_ROWS = 20, 50, 20
# An answer whose length differs by more than this from the one that was looked at is wrong.
TOLERANCE = 0.2
PATIENCE = 30

FIRST, DEEP, TICKET = "list, first page", "list, deep page", "ticket"
CREATE, APPROVE = "create", "approve"
# Of these reads there is a floor, as of both writes.
FLOORS = (FIRST, DEEP, TICKET)
NEW_TICKET = {
    "spent_on": "2026-01-15",
    "amount": "42.50",
    "currency": "EUR",
    "category": "meals",
    "description": "Lunch in Lisbon, for the workshop with Northwind",
    "links": ["https://receipts.example.com/benchmark"],
}


class NotAsExpected(ExpensesError):
    template = "%(route)s: %(problem)s"


@dataclass(frozen=True)
class Route:
    """`rows` is how many tickets the answer shows; None where it shows none."""

    door: str
    name: str
    path: str
    headers: Mapping[str, str]
    rows: int | None = None

    @property
    def title(self) -> str:
        return f"{self.door} {self.name}"

    @property
    def is_list(self) -> bool:
        return self.rows is not None

    @property
    def is_search(self) -> bool:
        """Whether it lists what somebody has typed, and not a tab."""
        return not {"q", "employee"}.isdisjoint(parse_qs(urlsplit(self.path).query))

    @property
    def has_floor(self) -> bool:
        return self.door == "API" and self.name in FLOORS


def reading_routes(sample: Sample, keys: Keys) -> list[Route]:
    return [*_api(sample, keys), *_portal(keys), *_console(sample, keys)]


def checked(route: Route, server: str) -> Request:
    """The request, with what its answer must be like, after a look at one answer.

    Raises `NotAsExpected`.
    """
    url = server + route.path
    # As the load generators ask: compressed only where the route says so.
    headers = {"Accept-Encoding": "identity"} | dict(route.headers)
    try:
        with httpx.stream("GET", url, headers=headers, timeout=PATIENCE) as answer:
            answer.read()
            length = answer.num_bytes_downloaded
    except httpx.TimeoutException:
        raise NotAsExpected(route=route.title, problem=f"no answer within {PATIENCE} s") from None
    if answer.status_code != 200:
        raise NotAsExpected(route=route.title, problem=f"status {answer.status_code}")
    shown = _COUNTS[route.door](answer) if route.is_list else None
    if shown != route.rows:
        raise NotAsExpected(
            route=route.title, problem=f"{shown} rows instead of {route.rows} ({route.path})"
        )
    return Request(
        route.path,
        route.headers,
        least_bytes=int(length * (1 - TOLERANCE)),
        most_bytes=int(length * (1 + TOLERANCE)),
    )


def create_request(keys: Keys) -> Request:
    return Request(
        "/api/tickets",
        keys.employee_program | {"Content-Type": "application/json"},
        "POST",
        bodies=(json.dumps(NEW_TICKET),),
        status=201,
        least_bytes=300,
        most_bytes=1000,
    )


def approve_request(keys: Keys, numbers: range) -> Request:
    return Request(
        "/api/tickets/%d/approve",
        keys.employer_program,
        "POST",
        numbers=numbers,
        least_bytes=300,
        most_bytes=1000,
    )


def _api(sample: Sample, keys: Keys) -> list[Route]:
    def route(name: str, *, rows: int | None = API_ROWS, path: str = "", **query: Any) -> Route:
        return Route("API", name, _path("/api/tickets" + path, query), keys.employer_program, rows)

    return [
        route(FIRST),
        route(DEEP, cursor=_cursor(sample.by_id, Sort.FILED_LAST)),
        route("list, status denied", status="denied"),
        route("list, one owner", owner=sample.employee_id),
        route("list, search, frequent word", q=words.COMMON_WORD),
        route("list, search, rare word", q=words.RARE_WORD),
        route("list, search, no hit", q=words.MISSING_WORD, rows=0),
        route(TICKET, path=f"/{sample.decided_id}", rows=None),
    ]


def _portal(keys: Keys) -> list[Route]:
    def route(name: str, rows: int = PORTAL_ROWS, **query: Any) -> Route:
        return Route("portal", name, _path("/tickets", query), keys.employee_browser, rows)

    return [
        route("list"),
        route("list, approved", status="approved"),
        route("list, search, no hit", rows=0, q=words.MISSING_WORD),
    ]


def _console(sample: Sample, keys: Keys) -> list[Route]:
    def route(name: str, rows: int = CONSOLE_ROWS, **query: Any) -> Route:
        path = _path("/admin/ticket/list", {"status": "all"} | query)
        return Route("console", name, path, keys.employer_browser, rows)

    def deep(name: str, place: Place, sort: Sort, **query: Any) -> Route:
        return route(name, **query, sort=sort.value, cursor=_cursor(place, sort))

    tabs = ("pending", "approved", "denied", "withdrawn")
    return [
        *(route(f"list, {tab}", status=tab) for tab in tabs),
        route("list, all"),
        deep("list, all, deep page", sample.by_id, Sort.FILED_LAST),
        deep("list, pending, deep page", sample.pending, Sort.FILED, status="pending"),
        route("list, all, by day", sort="-date"),
        deep("list, all, by day, deep page", sample.by_day, Sort.DATE_LAST),
        route("list, all, by amount", sort="-amount"),
        deep("list, all, by amount, deep page", sample.by_amount, Sort.AMOUNT_LAST),
        route("list, approved, by amount", status="approved", sort="amount"),
        route("list, search, frequent word", q=words.COMMON_WORD),
        route("list, search, rare word", q=words.RARE_WORD),
        route("list, search, no hit", q=words.MISSING_WORD, rows=0),
        route("list, search, an employee's e-mail", q=sample.employee_email),
        route("list, one employee", employee=sample.employee_email),
        Route("console", "overview", "/admin/overview", keys.employer_browser),
    ]


def _path(path: str, query: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _cursor(place: Place, sort: Sort) -> str:
    values: dict[str, int | date | Decimal] = {
        "filed": place.id,
        "date": place.spent_on,
        "amount": place.amount,
    }
    cursor = encode_position(Position(values[sort.removeprefix("-")], place.id), sort)
    assert cursor is not None
    return cursor


_COUNTS: dict[str, Callable[[httpx.Response], int]] = {
    "API": lambda answer: len(answer.json()["items"]),
    "portal": lambda answer: len(re.findall(r'<td class="number">', answer.text)),
    "console": lambda answer: len(re.findall(r"<tr data-ticket=", answer.text)),
}
