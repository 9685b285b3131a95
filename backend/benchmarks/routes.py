"""The measured routes: every list in every order, one ticket, the overview, and the writes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks.company import COMMON_WORD, MISSING_WORD, RARE_WORD
from benchmarks.load import TIMEOUT, Request, WrongAnswer
from benchmarks.sample import Headers, Row, Sample
from expenses.tickets.filters import Position, Sort
from expenses.web.pagination import encode_position

API_ROWS, CONSOLE_ROWS, PORTAL_ROWS = 20, 50, 20
# How far the length of an answer may be from the one that was looked at.
TOLERANCE = 0.2
# What a row of each list looks like.
ROW = {
    "API": '"spent_on":',
    "portal": '<td class="number">',
    "console": "<tr data-ticket=",
}

FIRST_LIST, DEEP_LIST, TICKET = "API list, first page", "API list, deep page", "API ticket"
CREATE, APPROVE = "API create", "API approve"
# Of the application, and of the floor.
WRITE_PATHS = (("/api/tickets", "/api/tickets/%d/approve"), ("/create", "/approve/%d"))
NEW_TICKET = {
    "spent_on": "2026-01-15",
    "amount": "42.50",
    "currency": "EUR",
    "category": "meals",
    "description": "Lunch in Lisbon, for the workshop with Northwind",
    "links": ["https://receipts.example.com/benchmark"],
}


@dataclass(frozen=True)
class Route:
    """A page or an API answer; `rows` is how many tickets it lists, None where it is no list."""

    title: str
    path: str
    headers: Mapping[str, str]
    rows: int | None = None


def reading_routes(sample: Sample, headers: Headers) -> list[Route]:
    return [*_api(sample, headers), *_portal(headers), *_console(sample, headers)]


def deep_path(sample: Sample) -> str:
    return _path("/api/tickets", cursor=_cursor(sample.by_id, Sort.FILED_LAST))


def floor_path(route: Route, sample: Sample) -> str | None:
    """Return the path of the same answer on the floor, where it has one."""
    paths = {FIRST_LIST: "/first", DEEP_LIST: "/deep", TICKET: f"/ticket/{sample.approved_id}"}
    return paths.get(route.title)


def checked_request(route: Route, server: str) -> Request:
    """Look at one answer, and return the request with what the others must be like.

    Raises `WrongAnswer`.
    """
    headers = {"Accept-Encoding": "identity"} | dict(route.headers)
    with httpx.stream("GET", server + route.path, headers=headers, timeout=TIMEOUT) as answer:
        text = answer.read().decode()
        length = answer.num_bytes_downloaded
    if answer.status_code != 200:
        raise WrongAnswer(path=route.path, problem=f"status {answer.status_code}")
    if route.rows is not None:
        rows = len(re.findall(re.escape(ROW[route.title.split()[0]]), text))
        if rows != route.rows:
            raise WrongAnswer(path=route.path, problem=f"{rows} rows instead of {route.rows}")
    return Request(
        route.path,
        route.headers,
        fewest_bytes=int(length * (1 - TOLERANCE)),
        most_bytes=int(length * (1 + TOLERANCE)),
    )


def create_request(headers: Headers, path: str) -> Request:
    as_json = {"Content-Type": "application/json"}
    body = json.dumps(NEW_TICKET)
    return Request(path, headers.employee_api | as_json, "POST", body, None, 201, 300, 1000)


def approve_request(headers: Headers, path: str, ids: range) -> Request:
    return Request(path, headers.employer_api, "POST", "", ids, 200, 300, 1000)


def _api(sample: Sample, headers: Headers) -> list[Route]:
    def tickets(title: str, rows: int = API_ROWS, **query: Any) -> Route:
        return Route(title, _path("/api/tickets", **query), headers.employer_api, rows)

    return [
        tickets(FIRST_LIST),
        Route(DEEP_LIST, deep_path(sample), headers.employer_api, API_ROWS),
        tickets("API list, status denied", status="denied"),
        tickets("API list, one owner", owner=sample.employee_id),
        tickets("API list, search, common word", q=COMMON_WORD),
        tickets("API list, search, rare word", q=RARE_WORD),
        tickets("API list, search, no match", 0, q=MISSING_WORD),
        Route(TICKET, f"/api/tickets/{sample.approved_id}", headers.employer_api),
    ]


def _portal(headers: Headers) -> list[Route]:
    def tickets(title: str, rows: int = PORTAL_ROWS, **query: Any) -> Route:
        return Route(title, _path("/tickets", **query), headers.employee_browser, rows)

    return [
        tickets("portal list"),
        tickets("portal list, approved", status="approved"),
        tickets("portal list, search, no match", 0, q=MISSING_WORD),
    ]


def _console(sample: Sample, headers: Headers) -> list[Route]:
    def tickets(name: str, rows: int = CONSOLE_ROWS, status: str = "all", **query: Any) -> Route:
        path = _path("/admin/ticket/list", status=status, **query)
        return Route(f"console list, {name}", path, headers.employer_browser, rows)

    def deep(name: str, row: Row, sort: Sort, **query: Any) -> Route:
        return tickets(f"{name}, deep page", sort=sort.value, cursor=_cursor(row, sort), **query)

    return [
        *(tickets(tab, status=tab) for tab in ("pending", "approved", "denied", "withdrawn")),
        tickets("all"),
        deep("all", sample.by_id, Sort.FILED_LAST),
        deep("pending", sample.pending, Sort.FILED, status="pending"),
        tickets("all, by date", sort="-date"),
        deep("all, by date", sample.by_date, Sort.DATE_LAST),
        tickets("all, by amount", sort="-amount"),
        deep("all, by amount", sample.by_amount, Sort.AMOUNT_LAST),
        tickets("approved, by amount", status="approved", sort="amount"),
        tickets("search, common word", q=COMMON_WORD),
        tickets("search, rare word", q=RARE_WORD),
        tickets("search, no match", 0, q=MISSING_WORD),
        tickets("search, an employee's e-mail", q=sample.employee_email),
        tickets("one employee", employee=sample.employee_email),
        Route("console overview", "/admin/overview", headers.employer_browser),
    ]


def _path(path: str, **query: Any) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _cursor(row: Row, sort: Sort) -> str:
    values: dict[str, int | date | Decimal] = {
        "filed": row.id,
        "date": row.spent_on,
        "amount": row.amount,
    }
    cursor = encode_position(Position(values[sort.removeprefix("-")], row.id), sort)
    assert cursor is not None
    return cursor
