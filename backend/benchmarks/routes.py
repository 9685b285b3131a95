"""The measured routes: every list in every order, one ticket, the overview, and the writes."""

import json
from collections.abc import Iterator, Mapping
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

# How far the length of an answer may be from the one that was looked at.
TOLERANCE = 0.2
# What a row of each list looks like.
ROW = {
    "API": '"spent_on":',
    "portal": '<td class="amount">',
    "console": "<tr data-ticket=",
    "Django": 'class="action-select"',
    "stock": "select-box",
    "textbook": '"spent_on":',
}

FIRST_LIST, DEEP_LIST, TICKET = "API list, first page", "API list, deep page", "API ticket"
RECEIPT, UPLOAD = "API receipt of 1 MB", "API upload of 1 MB"
CREATE, APPROVE = "API create", "API approve"
WRITES = {CREATE: "/api/tickets", APPROVE: "/api/tickets/%d/approve"}
FLOOR_WRITES = {CREATE: "/create", APPROVE: "/approve/%d"}
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
    return _path("/api/tickets", {"cursor": _cursor(sample.by_id, Sort.FILED_LAST)})


def floor_path(route: Route, sample: Sample) -> str | None:
    """Return the path of the same answer on the floor, where it has one."""
    paths = {
        FIRST_LIST: "/first",
        DEEP_LIST: "/deep",
        TICKET: f"/ticket/{sample.approved_id}",
        RECEIPT: "/receipt",
    }
    return paths.get(route.title)


def checked_request(route: Route, server: str) -> Request:
    """Look at one answer, and return the request with what the others must be like.

    Raises `WrongAnswer`.
    """
    headers = {"Accept-Encoding": "identity"} | dict(route.headers)
    with httpx.stream("GET", server + route.path, headers=headers, timeout=TIMEOUT) as answer:
        text = answer.read().decode(errors="replace")
        length = answer.num_bytes_downloaded
    if answer.status_code != 200:
        raise WrongAnswer(path=route.path, problem=f"status {answer.status_code}")
    if (rows := rows_in(route, text)) != route.rows:
        raise WrongAnswer(path=route.path, problem=f"{rows} rows instead of {route.rows}")
    return Request(
        route.path,
        route.headers,
        fewest_bytes=int(length * (1 - TOLERANCE)),
        most_bytes=int(length * (1 + TOLERANCE)),
    )


def rows_in(route: Route, text: str) -> int | None:
    return None if route.rows is None else text.count(ROW[route.title.split()[0]])


def create_request(headers: Headers, path: str) -> Request:
    as_json = {"Content-Type": "application/json"}
    body = json.dumps(NEW_TICKET)
    return Request(path, headers.employee_api | as_json, "POST", body, None, 201, 300, 1000)


def approve_request(headers: Headers, path: str, ids: range) -> Request:
    return Request(path, headers.employer_api, "POST", "", ids, 200, 300, 1000)


def _api(sample: Sample, headers: Headers) -> Iterator[Route]:
    deep = {"cursor": _cursor(sample.by_id, Sort.FILED_LAST)}
    for name, rows, query in (
        ("first page", 20, {}),
        ("deep page", 20, deep),
        ("status denied", 20, {"status": "denied"}),
        ("by amount", 20, {"sort": "-amount"}),
        ("one owner", 20, {"owner": sample.employee_id}),
        ("search, common word", 20, {"q": COMMON_WORD}),
        ("search, rare word", 20, {"q": RARE_WORD}),
        ("search, no match", 0, {"q": MISSING_WORD}),
    ):
        path = _path("/api/tickets", query)
        yield Route(f"API list, {name}", path, headers.employer_api, rows)
    yield Route(TICKET, f"/api/tickets/{sample.approved_id}", headers.employer_api)


def _portal(headers: Headers) -> Iterator[Route]:
    for name, rows, query in (
        ("all", 20, {}),
        ("approved", 20, {"status": "approved"}),
        ("search, no match", 0, {"q": MISSING_WORD}),
    ):
        yield Route(
            f"portal list, {name}", _path("/tickets", query), headers.employee_browser, rows
        )


def _console(sample: Sample, headers: Headers) -> Iterator[Route]:
    def deep(row: Row, sort: Sort) -> dict[str, Any]:
        return {"sort": sort.value, "cursor": _cursor(row, sort)}

    for name, query in (
        ("pending", {"status": "pending"}),
        ("approved", {"status": "approved"}),
        ("denied", {"status": "denied"}),
        ("withdrawn", {"status": "withdrawn"}),
        ("all", {}),
        ("all, deep page", deep(sample.by_id, Sort.FILED_LAST)),
        ("pending, deep page", {"status": "pending"} | deep(sample.pending, Sort.FILED)),
        ("all, by date", {"sort": "-date"}),
        ("all, by date, deep page", deep(sample.by_date, Sort.DATE_LAST)),
        ("all, by amount", {"sort": "-amount"}),
        ("all, by amount, deep page", deep(sample.by_amount, Sort.AMOUNT_LAST)),
        ("approved, by amount", {"status": "approved", "sort": "amount"}),
        ("search, common word", {"q": COMMON_WORD}),
        ("search, rare word", {"q": RARE_WORD}),
        ("search, no match", {"q": MISSING_WORD}),
        ("search, an employee's e-mail", {"q": sample.employee_email}),
        ("one employee", {"employee": sample.employee_email}),
    ):
        rows = 0 if MISSING_WORD in query.values() else 50
        path = _path("/admin/ticket/list", {"status": "all"} | query)
        yield Route(f"console list, {name}", path, headers.employer_browser, rows)
    queue = f"/admin/ticket/details/{sample.pending.id}?status=pending"
    yield Route("console queue, one ticket open", queue, headers.employer_browser, 50)
    yield Route("console overview", "/admin/overview", headers.employer_browser)


def _path(path: str, query: Mapping[str, Any]) -> str:
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
