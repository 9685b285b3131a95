"""What answers and pages say, as the model says it, and what a page has to say of some tickets."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any

import httpx

from tests.harness import usual_settings
from tests.state_machine.company import STATUSES, Ticket

SIGNS = {"EUR": "€", "USD": "$"}
TABS = ("pending", "approved", "due", "paid", "denied", "withdrawn")
NONE = "\N{EN DASH}"
FIELDS = ("id", "spent_on", "amount", "currency", "category", "description", "links", "status")


def ticket(item: dict[str, Any]) -> Ticket:
    """One of the API's list."""
    decision = item["decision"] and {
        "by": item["decision"]["by"]["id"],
        "reason": item["decision"]["reason"],
    }
    fields = {name: item[name] for name in FIELDS}
    return fields | {"owner": item["owner"]["id"], "decision": decision}


def event(item: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
    return item["action"], item["actor"]["id"], item["details"]


def seen(preview: httpx.Response) -> str:
    """When the tickets of the page before a bulk decision were looked at; now, if it has none."""
    found = re.search(r'name="seen" value="([^"]+)"', preview.text)
    return unescape(found[1]) if found else datetime.now(UTC).isoformat()


def decided(page: httpx.Response) -> int | None:
    """How many, as the page after a bulk decision says; None at the way to the log-in page."""
    if page.status_code == 303:
        assert page.headers["location"].startswith("/login"), page.headers
        return None
    assert page.status_code == 200, page.text
    found = re.search(r"<h1>(\d+) (?:approved|denied)", page.text)
    assert found is not None, page.text
    return int(found[1])


def own_figures(page: httpx.Response) -> list[str]:
    """Pending, approved this month and this year; then how many there are in each tab."""
    amounts = [_text(found) for found in re.findall(r"<dd>(.*?)</dd>", page.text, re.DOTALL)]
    return amounts[:3] + _tabs(page)


def own_figures_of(tickets: list[Ticket], paid: set[int]) -> list[str]:
    today = usual_settings().today()
    figures = [_sums(tickets, "pending")]
    for period in (f"{today:%Y-%m-}", f"{today:%Y-}"):
        dated = [one for one in tickets if one["spent_on"].startswith(period)]
        figures.append(_sums(dated, "approved"))
    return [*(figure or NONE for figure in figures), str(len(tickets)), *_counts(tickets, paid)]


def queue_figures(page: httpx.Response) -> list[str]:
    """How many there are in each tab; then how many in all, and what they come to."""
    found = re.search(r'<div class="summary"[^>]*>\s*<p[^>]*>(.*?)</p>', page.text, re.DOTALL)
    assert found is not None, page.text
    return [*_tabs(page), _text(found[1])]


def queue_figures_of(tickets: list[Ticket], paid: set[int]) -> list[str]:
    total = f"{_number(tickets)}: {_sums(tickets)}" if tickets else _number(tickets)
    return [*_counts(tickets, paid), str(len(tickets)), total]


def overview_figures(page: httpx.Response) -> list[str]:
    """How many are pending, and what was approved in dollars; nothing where that is nothing."""
    return re.findall(r'<p class="headline">\s*<a [^>]*>([^<]+)</a>', page.text)


def overview_figures_of(tickets: list[Ticket]) -> list[str]:
    pending = [one for one in tickets if one["status"] == "pending"]
    dollars = [one for one in tickets if one["currency"] == "USD"]
    figures = [_number(pending) if pending else "", _sums(dollars, "approved")]
    return [figure for figure in figures if figure]


def _number(tickets: list[Ticket]) -> str:
    return "1 ticket" if len(tickets) == 1 else f"{len(tickets)} tickets"


def _sums(tickets: Iterable[Ticket], *statuses: str) -> str:
    amounts: dict[str, Decimal] = {}
    for one in tickets:
        if one["status"] in (statuses or STATUSES):
            currency = one["currency"]
            amounts[currency] = amounts.get(currency, Decimal(0)) + Decimal(one["amount"])
    return " · ".join(f"{SIGNS[code]}{amounts[code]:,.2f}" for code in sorted(amounts))


def _counts(tickets: list[Ticket], paid: set[int]) -> list[str]:
    numbers = {status: sum(one["status"] == status for one in tickets) for status in STATUSES}
    numbers["paid"] = sum(one["id"] in paid for one in tickets)
    numbers["due"] = numbers["approved"] - numbers["paid"]
    return [str(numbers[tab]) for tab in TABS]


def _tabs(page: httpx.Response) -> list[str]:
    return re.findall(r'<span class="count">([^<]+)</span>', page.text)


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())
