"""The employers' list of everyone's tickets, a ticket's page, and the decisions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel
from sqladmin import expose
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of
from expenses.console.queue import LIST, Queue, address
from expenses.console.views import ReadOnlyView, id_of
from expenses.errors import Conflict, InvalidInput
from expenses.i18n.languages import gettext, sentence
from expenses.i18n.money import currencies
from expenses.i18n.text import N_
from expenses.tickets import decisions, events, lists, queries
from expenses.tickets.counts import Count, Totals, count_matches
from expenses.tickets.duplicates import Duplicate, duplicates_of
from expenses.tickets.filters import Sort
from expenses.tickets.models import Category, Ticket, TicketStatus
from expenses.tickets.policy import can_decide, can_reopen
from expenses.tickets.queries import TicketView as TicketRow
from expenses.tickets.schemas import Reason
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import database_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, local_path, render
from expenses.web.pagination import encode_position
from expenses.web.problems import status_of
from expenses.web.validation import parse

DETAILS = "/admin/ticket/details"
PAGE_SIZE = 50


class Approval(BaseModel):
    reason: Reason | None = None
    seen: AwareDatetime | None = None


class Denial(BaseModel):
    reason: Reason
    seen: AwareDatetime | None = None


class Reopening(BaseModel):
    reason: Reason


@dataclass(frozen=True)
class TicketListPage:
    """A page of the list, with what stands above and beside its rows."""

    rows: Sequence[TicketRow]
    seen_at: datetime
    previous_cursor: str | None
    next_cursor: str | None
    counts: dict[TicketStatus, Count]
    totals: Totals
    duplicates: dict[int, list[Duplicate]]
    reasons: list[str]


class TicketView(ReadOnlyView, model=Ticket):
    name = "Ticket"
    name_plural = "Tickets"

    async def list_page(self, request: Request) -> Response:
        page, errors = None, {}
        try:
            page = await _list(request, Queue.of(request.query_params))
        except InvalidInput as error:
            errors = error.fields
        return render(
            request,
            "console/tickets.html",
            status_code=422 if errors else 200,
            page=page,
            errors=errors,
            **_list_context(request),
        )

    async def details_page(self, request: Request) -> Response:
        return await _details_page(request, id_of(request))

    @expose("/{ticket_id:int}/approve", methods=["POST"])
    async def approve(self, request: Request) -> Response:
        form = await read_form(request)

        async def act(connection: AsyncConnection, ticket_id: int, actor: CurrentUser) -> None:
            body = parse(Approval, _filled_in(form, "reason", "seen"))
            await decisions.approve_ticket(
                connection, ticket_id, actor=actor, reason=body.reason, seen_at=body.seen
            )

        return await self._act(request, form, act, N_("Ticket %(id)s is approved."), may_undo=True)

    @expose("/{ticket_id:int}/deny", methods=["POST"])
    async def deny(self, request: Request) -> Response:
        form = await read_form(request)

        async def act(connection: AsyncConnection, ticket_id: int, actor: CurrentUser) -> None:
            body = parse(Denial, _filled_in(form, "reason", "seen"))
            await decisions.deny_ticket(
                connection, ticket_id, actor=actor, reason=body.reason, seen_at=body.seen
            )

        return await self._act(request, form, act, N_("Ticket %(id)s is denied."), may_undo=True)

    @expose("/{ticket_id:int}/reopen", methods=["POST"])
    async def reopen(self, request: Request) -> Response:
        form = await read_form(request)

        async def act(connection: AsyncConnection, ticket_id: int, actor: CurrentUser) -> None:
            body = parse(Reopening, _filled_in(form, "reason"))
            await decisions.reopen_ticket(connection, ticket_id, actor=actor, reason=body.reason)

        return await self._act(request, form, act, N_("Ticket %(id)s is pending again."))

    async def _act(
        self,
        request: Request,
        form: FormValues,
        act: Any,
        success: str,
        *,
        may_undo: bool = False,
    ) -> Response:
        """Go on to where the form says; a refusal is shown with the ticket as it is now."""
        ticket_id: int = request.path_params["ticket_id"]
        try:
            async with database_of(request).transaction() as connection:
                await act(connection, ticket_id, user_of(request))
        except InvalidInput as error:
            return await _details_page(request, ticket_id, 422, errors=error.fields, form=form)
        except Conflict as error:
            return await _details_page(
                request, ticket_id, status_of(error), refusal=sentence(error)
            )
        flash(request, gettext(success, id=ticket_id), undo=ticket_id if may_undo else None)
        return RedirectResponse(local_path(form["next"], LIST), 303)


async def _list(request: Request, queue: Queue) -> TicketListPage:
    actor, position = user_of(request), queue.position
    async with database_of(request).reading() as connection:
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
            duplicates=await duplicates_of(connection, page.items, actor=actor),
            reasons=await events.recent_reasons(connection, actor=actor),
        )


def _list_context(request: Request) -> dict[str, Any]:
    query, actor = request.query_params, user_of(request)
    asked = address(query, "", cursor=None)
    return {
        "values": FormValues(query),
        "tab": query.get("status") or TicketStatus.PENDING.value,
        "statuses": tuple(TicketStatus),
        "categories": tuple(Category),
        "currencies": sorted(currencies()),
        "sorts": tuple(Sort),
        "here": address(query),
        "address": lambda **changes: address(query, **{"cursor": None} | changes),
        "export": lambda kind: address(query, f"/admin/ticket/export/{kind}", cursor=None),
        "details": lambda ticket: f"{DETAILS}/{ticket.id}{asked}",
        "may_decide": lambda ticket: can_decide(actor, ticket),
    }


async def _details_page(
    request: Request,
    ticket_id: int,
    status_code: int = 200,
    *,
    errors: dict[str, str] | None = None,
    form: FormValues | None = None,
    refusal: str | None = None,
) -> Response:
    actor, query = user_of(request), request.query_params
    queue = Queue.of(query)
    async with database_of(request).reading() as connection:
        ticket = await queries.get_ticket(connection, ticket_id, actor=actor)
        matching = await queue.filter(connection, actor=actor)
        previous, following = await lists.neighbours(
            connection, ticket, actor=actor, matching=matching, sort=queue.order
        )
        duplicates = await duplicates_of(connection, [ticket], actor=actor)
        history = await events.ticket_history(connection, ticket.id, actor=actor)
        reasons = await events.recent_reasons(connection, actor=actor)
    return render(
        request,
        "console/ticket.html",
        status_code=status_code,
        ticket=ticket,
        events=history,
        duplicates=duplicates.get(ticket.id, []),
        reasons=reasons,
        may_decide=can_decide(actor, ticket),
        may_reopen=can_reopen(actor, ticket),
        previous=previous and _details_address(previous, request),
        following=following and _details_address(following, request),
        back=address(query),
        query=str(query),
        errors=errors or {},
        form=form or FormValues(),
        refusal=refusal,
    )


def _details_address(ticket_id: int, request: Request) -> str:
    return address(request.query_params, f"{DETAILS}/{ticket_id}", cursor=None)


def _filled_in(form: FormValues, *names: str) -> dict[str, str]:
    """Leave out the inputs that are empty."""
    return {name: form[name] for name in names if form[name].strip()}
