"""The measured lists: what each is called, how many rows it shows, and its address.

Every tab, order and kind of filter is there once. The tests of the plans go through the same ones.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from benchmarks.company import COMMON_WORD, MERCHANT, MISSING_WORD, RARE_WORD
from benchmarks.sample import Row, Sample
from expenses.tickets.filters import Position, Sort
from expenses.web.pagination import encode_cursor, encode_position

MONTH = timedelta(days=30)
API, CONSOLE = "/api/tickets", "/admin/ticket/list"
RUNS, PEOPLE, HISTORY = "/admin/payments", "/admin/employee/list", "/admin/history"


class List(NamedTuple):
    """`rows` is how many the page shows."""

    title: str
    rows: int
    path: str


def api_lists(sample: Sample) -> Iterator[List]:
    for name, query in (
        ("first page", {}),
        ("deep page", deep(sample.by_id, Sort.FILED_LAST)),
        ("status denied", {"status": "denied"}),
        ("payment due", {"payment": "due"}),
        ("by date", {"sort": "-date"}),
        ("by amount", {"sort": "-amount"}),
        ("one owner", {"owner": sample.employee_id}),
        ("one category", {"category": "training"}),
        ("search, common word", {"q": COMMON_WORD}),
        ("search, rare word", {"q": RARE_WORD}),
        ("search, no match", {"q": MISSING_WORD}),
    ):
        yield _list(f"API list, {name}", 20, API, query)
    run = f"/api/payment-runs/{sample.run_id}/tickets"
    yield _list("API list, tickets of a payment run", 20, run)
    yield _list("API run list, all", 20, "/api/payment-runs")
    yield _list("API people list, all", 20, "/api/employees")


def portal_lists() -> Iterator[List]:
    for name, query in (
        ("all", {}),
        ("approved", {"status": "approved"}),
        ("paid", {"status": "paid"}),
        ("search, no match", {"q": MISSING_WORD}),
    ):
        yield _list(f"portal list, {name}", 20, "/tickets", query)


def console_lists(sample: Sample) -> Iterator[List]:
    for name, query in (*_tabs(sample), *_filters(sample)):
        yield _list(f"console list, {name}", 50, CONSOLE, {"status": "all"} | query)
    run = f"{RUNS}/{sample.run_id}"
    yield _list("console list, tickets of a payment run", 50, run)
    for name, query in (
        ("all", {}),
        ("deep page", {"cursor": encode_cursor(sample.run_id)}),
        ("paid", {"status": "paid"}),
        ("no match", {"status": "cancelled"}),
    ):
        yield _list(f"console run list, {name}", 50, RUNS, query)
    yield _list("console people list, all", 50, PEOPLE, {"status": "all"})
    yield _list("console people list, no match", 50, PEOPLE, {"q": MISSING_WORD})
    for name, query in (
        ("all", {}),
        ("deep page", {"cursor": encode_cursor(sample.event_id)}),
        ("one action", {"action": "ticket.denied"}),
        ("one actor", {"actor": sample.employer_email}),
        ("no match", {"action": "ticket.edited"}),
    ):
        yield _list(f"console history list, {name}", 50, HISTORY, query)


def deep(row: Row, sort: Sort) -> dict[str, Any]:
    """Ask for the page that begins after a row."""
    values: dict[str, int | date | Decimal] = {
        "filed": row.id,
        "date": row.spent_on,
        "amount": row.amount,
    }
    position = Position(values[sort.removeprefix("-")], row.id)
    return {"sort": sort.value, "cursor": encode_position(position, sort)}


def _tabs(sample: Sample) -> Iterator[tuple[str, dict[str, Any]]]:
    for status in ("pending", "approved", "due", "paid", "denied", "withdrawn"):
        yield status, {"status": status}
    yield "all", {}
    for status in ("all", "approved", "due", "paid"):
        yield f"{status}, by date", {"status": status, "sort": "-date"}
        yield f"{status}, by amount", {"status": status, "sort": "-amount"}
    yield "due, oldest first", {"status": "due", "sort": "filed"}
    yield "all, deep page", deep(sample.by_id, Sort.FILED_LAST)
    yield "pending, deep page", {"status": "pending"} | deep(sample.pending, Sort.FILED)
    yield "all, by date, deep page", deep(sample.by_date, Sort.DATE_LAST)
    yield "all, by amount, deep page", deep(sample.by_amount, Sort.AMOUNT_LAST)


def _filters(sample: Sample) -> Iterator[tuple[str, dict[str, Any]]]:
    middle = sample.by_date.spent_on
    yield "one employee", {"employee": sample.employee_email}
    yield "one category", {"category": "training"}
    yield "one category, by amount", {"category": "training", "sort": "-amount"}
    yield "one currency", {"currency": "JPY"}
    yield "one merchant", {"merchant": MERCHANT}
    yield "one merchant, no match", {"merchant": MISSING_WORD}
    yield "large amounts", {"min": "500"}
    dates = {"from": str(middle - MONTH), "to": str(middle + MONTH)}
    yield "two months, by date", dates | {"sort": "-date"}
    yield "search, common word", {"q": COMMON_WORD}
    yield "search, rare word", {"q": RARE_WORD}
    yield "search, no match", {"q": MISSING_WORD}
    yield "search, an employee's e-mail", {"q": sample.employee_email}


def _list(title: str, rows: int, path: str, query: Mapping[str, Any] | None = None) -> List:
    address = f"{path}?{urlencode(query)}" if query else path
    return List(title, 0 if "no match" in title else rows, address)
