"""The employers' list of everyone's tickets, a ticket's page, and the decisions."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel
from sqladmin import expose
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of
from expenses.console.pagination import KeysetPage
from expenses.console.queue import LIST, Queue, address
from expenses.console.views import ReadOnlyView
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
from expenses.web.pages.rendering import flash, local_path, page_context
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


@dataclass
class TicketListPage(KeysetPage):
    """A page of the list, with what stands above it."""

    counts: dict[TicketStatus, Count] = field(default_factory=dict)
    totals: Totals | None = None
    duplicates: dict[int, list[Duplicate]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


class TicketView(ReadOnlyView, model=Ticket):
    name = "Ticket"
    name_plural = "Tickets"
    list_template = "console/tickets.html"
    details_template = "console/ticket.html"

    async def list(self, request: Request) -> KeysetPage:
        queue, actor = Queue.of(request.query_params), user_of(request)
        position = queue.position
        async with database_of(request).reading() as connection:
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
                rows=[*page.items],
                page=1,
                page_size=PAGE_SIZE,
                count=len(page.items),
                next_cursor=encode_position(page.next, queue.order),
                previous_cursor=encode_position(page.previous, queue.order),
                counts=found.counts,
                totals=replace(found.totals, count=found.totals.count.at_least(len(page.items))),
                duplicates=await duplicates_of(connection, page.items, actor=actor),
                reasons=await events.recent_reasons(connection, actor=actor),
            )

    async def list_context(self, request: Request) -> dict[str, Any]:
        query, actor = request.query_params, user_of(request)
        asked = address(query, "", cursor=None)
        return page_context(request) | {
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

    async def load(self, request: Request, row_id: int) -> TicketRow:
        async with database_of(request).reading() as connection:
            return await queries.get_ticket(connection, row_id, actor=user_of(request))

    async def details_context(self, request: Request) -> dict[str, Any]:
        ticket = await self.get_object_for_details(request)
        async with database_of(request).reading() as connection:
            return await _details(request, connection, ticket)

    @expose("/{ticket_id:int}/approve", methods=["POST"])
    async def approve(self, request: Request) -> Response:
        form = await read_form(request)

        async def act(connection: AsyncConnection, ticket_id: int, actor: CurrentUser) -> None:
            body = parse(Approval, _given(form, "reason", "seen"))
            await decisions.approve_ticket(
                connection, ticket_id, actor=actor, reason=body.reason, seen_at=body.seen
            )

        return await self._act(request, form, act, N_("Ticket %(id)s is approved."))

    @expose("/{ticket_id:int}/deny", methods=["POST"])
    async def deny(self, request: Request) -> Response:
        form = await read_form(request)

        async def act(connection: AsyncConnection, ticket_id: int, actor: CurrentUser) -> None:
            body = parse(Denial, _given(form, "reason", "seen"))
            await decisions.deny_ticket(
                connection, ticket_id, actor=actor, reason=body.reason, seen_at=body.seen
            )

        return await self._act(request, form, act, N_("Ticket %(id)s is denied."))

    @expose("/{ticket_id:int}/reopen", methods=["POST"])
    async def reopen(self, request: Request) -> Response:
        form = await read_form(request)

        async def act(connection: AsyncConnection, ticket_id: int, actor: CurrentUser) -> None:
            body = parse(Reopening, _given(form, "reason"))
            await decisions.reopen_ticket(connection, ticket_id, actor=actor, reason=body.reason)

        return await self._act(request, form, act, N_("Ticket %(id)s is pending again."))

    async def _act(self, request: Request, form: FormValues, act: Any, success: str) -> Response:
        """Do it, and go to where the form says; a refusal stands beside the fresh state."""
        ticket_id: int = request.path_params["ticket_id"]
        try:
            async with database_of(request).transaction() as connection:
                await act(connection, ticket_id, user_of(request))
        except InvalidInput as error:
            return await self._page(request, ticket_id, 422, errors=error.fields, form=form)
        except Conflict as error:
            return await self._page(request, ticket_id, status_of(error), refusal=sentence(error))
        flash(request, gettext(success, id=ticket_id))
        return RedirectResponse(local_path(form["next"], LIST), 303)

    async def _page(
        self, request: Request, ticket_id: int, status_code: int, **context: Any
    ) -> Response:
        async with database_of(request).reading() as connection:
            ticket = await queries.get_ticket(connection, ticket_id, actor=user_of(request))
            details = await _details(request, connection, ticket)
        return await self.templates.TemplateResponse(
            request,
            self.details_template,
            details | {"model": ticket} | context,
            status_code=status_code,
        )


async def _details(
    request: Request, connection: AsyncConnection, ticket: TicketRow
) -> dict[str, Any]:
    actor, query = user_of(request), request.query_params
    queue = Queue.of(query)
    matching = await queue.filter(connection, actor=actor)
    previous, following = await lists.neighbours(
        connection, ticket, actor=actor, matching=matching, sort=queue.order
    )
    duplicates = await duplicates_of(connection, [ticket], actor=actor)
    return page_context(request) | {
        "events": await events.ticket_history(connection, ticket.id, actor=actor),
        "duplicates": duplicates.get(ticket.id, []),
        "reasons": await events.recent_reasons(connection, actor=actor),
        "may_decide": can_decide(actor, ticket),
        "may_reopen": can_reopen(actor, ticket),
        "previous": previous and _details_address(previous, request),
        "following": following and _details_address(following, request),
        "back": address(query),
        "query": str(query),
        "errors": {},
        "form": FormValues(),
        "refusal": None,
    }


def _details_address(ticket_id: int, request: Request) -> str:
    return address(request.query_params, f"{DETAILS}/{ticket_id}", cursor=None)


def _given(form: FormValues, *names: str) -> dict[str, str | datetime]:
    """The inputs that are not empty."""
    return {name: form[name] for name in names if form[name].strip()}
