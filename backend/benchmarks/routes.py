"""The measured routes: every list, one ticket, the overview, and the writes."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from benchmarks.lists import List, api_lists, console_lists, deep, portal_lists
from benchmarks.load import TIMEOUT, Request, WrongAnswer
from benchmarks.sample import Headers, Sample
from expenses.tickets.filters import Sort

# How far the length of an answer may be from the one that was looked at.
TOLERANCE = 0.2
# What a row of each list looks like.
ROW = {
    "API": '"spent_on":',
    "portal": '<td class="amount">',
    "console": "<tr data-ticket=",
    "console run list": "<tr data-run=",
    "console people list": "<tr data-employee=",
    "console history list": "<tr data-event=",
    "API run list": '"number":',
    "API people list": '"email":',
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
    """A page or an API answer; `rows` is how many it lists, None where it is no list."""

    title: str
    path: str
    headers: Mapping[str, str]
    rows: int | None = None


def reading_routes(sample: Sample, headers: Headers) -> list[Route]:
    portal = _lists(portal_lists(), headers.employee_browser)
    return [*_api(sample, headers), *portal, *_console(sample, headers)]


def deep_path(sample: Sample) -> str:
    cursor = deep(sample.by_id, Sort.FILED_LAST)["cursor"]
    return f"/api/tickets?{urlencode({'cursor': cursor})}"


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
    if route.rows is None:
        return None
    kind = route.title.partition(",")[0]
    return text.count(ROW.get(kind) or ROW[kind.split()[0]])


def create_request(headers: Headers, path: str) -> Request:
    as_json = {"Content-Type": "application/json"}
    body = json.dumps(NEW_TICKET)
    return Request(path, headers.employee_api | as_json, "POST", body, None, 201, 300, 1000)


def approve_request(headers: Headers, path: str, ids: range) -> Request:
    return Request(path, headers.employer_api, "POST", "", ids, 200, 300, 1000)


def _api(sample: Sample, headers: Headers) -> Iterator[Route]:
    yield from _lists(api_lists(sample), headers.employer_api)
    yield Route(TICKET, f"/api/tickets/{sample.approved_id}", headers.employer_api)
    for name, path in (
        ("due", "payment-runs/due"),
        ("employers", "employers"),
        ("invitations", "invitations"),
        ("events of an employee", f"employees/{sample.employee_id}/events"),
    ):
        yield Route(f"API {name}", f"/api/{path}", headers.employer_api)


def _console(sample: Sample, headers: Headers) -> Iterator[Route]:
    browser = headers.employer_browser
    yield from _lists(console_lists(sample), browser)
    for name, number, tab in (
        ("one ticket open", sample.pending.id, "pending"),
        ("one with a file of another", sample.same_file_id, "all"),
        ("one with an invoice of another", sample.same_invoice_id, "all"),
    ):
        path = f"/admin/ticket/details/{number}?status={tab}"
        yield Route(f"console queue, {name}", path, browser, 50)
    yield Route("console overview", "/admin/overview", browser)


def _lists(lists: Iterable[List], headers: Mapping[str, str]) -> Iterator[Route]:
    for title, rows, path in lists:
        yield Route(title, path, headers, rows)
