"""The desk: the list of tickets with one of them beside it, as a page or as the parts that change.

A script may ask for one part alone, by the header `X-Fragment`; the templates are the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from expenses.console.authentication import user_of
from expenses.console.chips import chips
from expenses.console.queue import Queue, address
from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.payments.queries import run_of
from expenses.receipts.papers import papers_of
from expenses.tickets import events, lists, queries
from expenses.tickets.counts import STATUSES, Counts, Totals, count_matches
from expenses.tickets.duplicates import duplicates_of
from expenses.tickets.filters import Sort
from expenses.tickets.models import Category, PaymentStatus, TicketStatus
from expenses.tickets.policy import can_decide, can_reopen
from expenses.tickets.queries import TicketView
from expenses.tickets.saved_filters import saved_filters
from expenses.users.models import Actor
from expenses.users.queries import other_employers
from expenses.web.dependencies import database_of, settings_of
from expenses.web.pages.forms import FormValues
from expenses.web.pages.rendering import render
from expenses.web.pagination import encode_position

DETAILS = "/admin/ticket/details"
PAGE_SIZE = 50
MOST_NAMES = 3
# The tabs in which tickets are selected to be paid.
PAYABLE = ("approved", "due")


class Fragment(StrEnum):
    """The parts of the desk: the list, the ticket beside it, and rows that were decided."""

    LIST = "list"
    TICKET = "ticket"
    ROW = "row"


@dataclass(frozen=True)
class TicketListPage:
    """A page of the list, with what stands above and beside its rows."""

    rows: Sequence[TicketView]
    seen_at: datetime
    previous_cursor: str | None
    next_cursor: str | None
    counts: Counts
    totals: Totals
    question: str
    saved_filters: dict[str, str]


def fragment_of(request: Request) -> Fragment | None:
    name = request.headers.get("x-fragment")
    return Fragment(name) if name in list(Fragment) else None


async def tickets_page(
    request: Request,
    query: QueryParams,
    *,
    errors: dict[str, str] | None = None,
    form: FormValues | None = None,
) -> Response:
    """Render the list; with a message alone where `query` asks for something unreadable."""
    page, known, reasons, errors = None, {}, [], errors or {}
    is_part = fragment_of(request) is Fragment.LIST
    try:
        queue = Queue.of(query)
        async with database_of(request).reading() as connection:
            page = await _list(request, connection, queue)
            known = await _known_of(request, connection, page.rows)
            reasons = await events.recent_reasons(connection, actor=user_of(request))
    except InvalidInput as error:
        errors = error.fields
    return render(
        request,
        "console/list.html" if is_part else "console/tickets.html",
        status_code=422 if errors else 200,
        page=page,
        errors=errors,
        form=form or FormValues(),
        reasons=reasons,
        ticket=None,
        **known,
        **list_context(request, query),
    )


async def ticket_page(
    request: Request,
    ticket_id: int,
    status_code: int = 200,
    *,
    errors: dict[str, str] | None = None,
    form: FormValues | None = None,
    refusal: str | None = None,
) -> Response:
    """Render a ticket beside its list, or, as a fragment, by itself."""
    queue, alone = Queue.of(request.query_params), fragment_of(request) is Fragment.TICKET
    async with database_of(request).reading() as connection:
        beside = await _ticket(request, connection, ticket_id, queue)
        page = None if alone else await _list(request, connection, queue)
        shown = [beside["ticket"], *(page.rows if page else ())]
        known = await _known_of(request, connection, shown)
        reasons = await events.recent_reasons(connection, actor=user_of(request))
    return render(
        request,
        "console/ticket.html" if alone else "console/tickets.html",
        status_code=status_code,
        page=page,
        errors=errors or {},
        form=form or FormValues(),
        refusal=refusal,
        reasons=reasons,
        **beside,
        **known,
        **list_context(request, request.query_params),
    )


async def changed_rows(
    request: Request,
    form: FormValues,
    ticket_ids: Sequence[int],
    message: str,
    *,
    status_code: int = 200,
) -> Response:
    """Render rows as they are now, with the counts and totals of the list that they are in."""
    actor = user_of(request)
    query = QueryParams(urlsplit(form["next"]).query)
    async with database_of(request).reading() as connection:
        queue = Queue.of(query)
        tickets = await queries.views_of(connection, ticket_ids, actor=actor)
        matching = await queue.filter(connection, actor=actor)
        found = await count_matches(connection, actor=actor, matching=matching)
        known = await _known_of(request, connection, tickets)
    return render(
        request,
        "console/rows.html",
        status_code=status_code,
        tickets=tickets,
        counts=found.counts,
        totals=found.totals,
        message=message,
        **known,
        **list_context(request, query),
    )


def list_context(request: Request, query: QueryParams) -> dict[str, Any]:
    """Return what the templates of the list need beside its tickets."""
    actor = user_of(request)
    asked = address(query, "")
    tab = query.get("status") or TicketStatus.PENDING.value
    return {
        "values": FormValues(query),
        "tab": tab,
        "statuses": STATUSES,
        "categories": tuple(Category),
        "sort": query.get("sort") or (Sort.FILED if tab == "pending" else Sort.FILED_LAST),
        "chips": chips(request, query),
        "list_address": address(query),
        "address": lambda **changes: address(query, **{"cursor": None} | changes),
        "export": lambda kind: address(query, f"/admin/ticket/export/{kind}", cursor=None),
        "asked": asked,
        "may_decide": lambda ticket: can_decide(actor, ticket),
        "may_pay": lambda ticket: tab in PAYABLE and ticket.payment is PaymentStatus.DUE,
        "may_reopen": lambda ticket: can_reopen(actor, ticket) and ticket.paid_at is None,
    }


async def _list(request: Request, connection: AsyncConnection, queue: Queue) -> TicketListPage:
    actor, position = user_of(request), queue.position
    # Before the rows: what changes from now on counts as not seen.
    seen_at = await queries.now(connection)
    matching = await queue.filter(connection, actor=actor)
    found = await count_matches(connection, actor=actor, matching=matching)
    page = await lists.list_tickets(
        connection,
        actor=actor,
        matching=matching,
        sort=queue.order,
        position=position,
        limit=PAGE_SIZE,
    )
    return TicketListPage(
        rows=page.items,
        seen_at=seen_at,
        previous_cursor=encode_position(page.previous, queue.order),
        next_cursor=encode_position(page.next, queue.order),
        counts=found.counts,
        totals=replace(found.totals, count=found.totals.count.at_least(len(page.items))),
        question=queue.question,
        saved_filters=await saved_filters(connection, actor=actor),
    )


async def _ticket(
    request: Request, connection: AsyncConnection, ticket_id: int, queue: Queue
) -> dict[str, Any]:
    actor = user_of(request)
    ticket = await queries.get_ticket(connection, ticket_id, actor=actor)
    matching = await queue.filter(connection, actor=actor)
    previous, following = await lists.neighbours(
        connection, ticket, actor=actor, matching=matching, sort=queue.order
    )
    return {
        "ticket": ticket,
        "events": await events.ticket_history(connection, ticket.id, actor=actor),
        "run": await run_of(connection, ticket.id) if ticket.payment else None,
        "others": await _other_employers(connection, ticket, actor),
        "previous": previous and _neighbour_address(previous, request),
        "following": following and _neighbour_address(following, request),
        "query": str(request.query_params),
    }


async def _known_of(
    request: Request, connection: AsyncConnection, tickets: Sequence[TicketView]
) -> dict[str, Any]:
    """Find what helps to decide these tickets."""
    actor = user_of(request)
    return {
        "duplicates": await duplicates_of(connection, tickets, actor=actor),
        "papers": await papers_of(connection, tickets, actor=actor, settings=settings_of(request)),
    }


async def _other_employers(
    connection: AsyncConnection, ticket: TicketView, actor: Actor
) -> list[str] | None:
    """Name some of those who can decide a ticket of the actor's own; None where it is another's."""
    if ticket.owner_id != actor.id or ticket.status is not TicketStatus.PENDING:
        return None
    others = await other_employers(connection, actor=actor, most=MOST_NAMES + 1)
    if len(others) > MOST_NAMES:
        return [*others[:MOST_NAMES], gettext("another employer")]
    return others


def _neighbour_address(ticket_id: int, request: Request) -> str:
    """Without the cursor: the neighbour may be on another page of the list."""
    return address(request.query_params, f"{DETAILS}/{ticket_id}", cursor=None)
