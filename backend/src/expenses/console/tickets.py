"""The employers' list of everyone's tickets, and the decisions."""

from typing import Any

from pydantic import BaseModel
from sqladmin import expose
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.admin import KeysetPage, keyset_page
from expenses.console.authentication import user_of
from expenses.console.views import ReadOnlyView
from expenses.errors import Conflict, InvalidInput
from expenses.tickets import actions, queries
from expenses.tickets.models import Ticket, TicketStatus
from expenses.tickets.policy import can_decide
from expenses.tickets.queries import TicketView as TicketRow
from expenses.tickets.search import Sort, TicketFilter
from expenses.tickets.shapes import Reason
from expenses.users.sessions import CurrentUser
from expenses.web.cursors import decode_position, encode_position
from expenses.web.forms import FormValues, read_form
from expenses.web.pages import flash, local_path, page_context
from expenses.web.problems import status_of
from expenses.web.requests import database_of
from expenses.web.validation import parse

PAGE_SIZE = 50


class Approval(BaseModel):
    reason: Reason | None = None


class Denial(BaseModel):
    reason: Reason


class Listing(BaseModel):
    """What the address of the list may say."""

    status: TicketStatus | None = None
    cursor: str | None = None


class TicketView(ReadOnlyView, model=Ticket):
    name = "Ticket"
    name_plural = "Tickets"
    list_template = "console/tickets.html"
    details_template = "console/ticket.html"

    async def list(self, request: Request) -> KeysetPage:
        listing = parse(Listing, request.query_params)
        async with database_of(request).reading() as session:
            page = await queries.list_tickets(
                session,
                actor=user_of(request),
                matching=TicketFilter(status=listing.status),
                position=decode_position(listing.cursor, Sort.FILED_LAST),
                limit=PAGE_SIZE,
            )
        return keyset_page(page.items, encode_position(page.next, Sort.FILED_LAST))

    async def list_context(self, request: Request) -> dict[str, Any]:
        return page_context(request) | {
            "statuses": tuple(TicketStatus),
            "may_decide": lambda ticket: can_decide(user_of(request), ticket),
        }

    async def load(self, request: Request, row_id: int) -> TicketRow:
        async with database_of(request).reading() as session:
            return await queries.get_ticket(session, row_id, actor=user_of(request))

    async def details_context(self, request: Request) -> dict[str, Any]:
        ticket = await self.get_object_for_details(request)
        async with database_of(request).reading() as session:
            return await _details(request, session, ticket)

    @expose("/{ticket_id:int}/approve", methods=["POST"])
    async def approve(self, request: Request) -> Response:
        return await self._decide(request, TicketStatus.APPROVED)

    @expose("/{ticket_id:int}/deny", methods=["POST"])
    async def deny(self, request: Request) -> Response:
        return await self._decide(request, TicketStatus.DENIED)

    async def _decide(self, request: Request, status: TicketStatus) -> Response:
        """Decide, and go back to where the button was; a refusal stands beside the fresh state."""
        ticket_id: int = request.path_params["ticket_id"]
        form = await read_form(request)
        try:
            async with database_of(request).transaction() as session:
                await _carry_out(session, ticket_id, status, form, actor=user_of(request))
        except InvalidInput as error:
            return await self._page(request, ticket_id, 422, errors=error.fields, form=form)
        except Conflict as error:
            return await self._page(request, ticket_id, status_of(error), refusal=error.message)
        flash(request, f"Ticket {ticket_id} is {status}.")
        return RedirectResponse(local_path(form["next"], "/admin/ticket/list"), 303)

    async def _page(
        self, request: Request, ticket_id: int, status_code: int, **context: Any
    ) -> Response:
        async with database_of(request).reading() as session:
            ticket = await queries.get_ticket(session, ticket_id, actor=user_of(request))
            details = await _details(request, session, ticket)
        return await self.templates.TemplateResponse(
            request,
            self.details_template,
            details | {"model": ticket} | context,
            status_code=status_code,
        )


async def _carry_out(
    session: AsyncSession,
    ticket_id: int,
    status: TicketStatus,
    form: FormValues,
    *,
    actor: CurrentUser,
) -> None:
    if status is TicketStatus.DENIED:
        denial = parse(Denial, form)
        await actions.deny_ticket(session, ticket_id, actor=actor, reason=denial.reason)
    else:
        approval = parse(Approval, {"reason": form["reason"] or None})
        await actions.approve_ticket(session, ticket_id, actor=actor, reason=approval.reason)


async def _details(request: Request, session: AsyncSession, ticket: TicketRow) -> dict[str, Any]:
    actor = user_of(request)
    return page_context(request) | {
        "events": await queries.ticket_history(session, ticket.id, actor=actor),
        "may_decide": can_decide(actor, ticket),
        "errors": {},
        "form": FormValues(),
        "refusal": None,
    }
