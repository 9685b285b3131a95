"""The employers' list of everyone's tickets, a ticket's page, and the decisions."""

from typing import Any

from pydantic import AwareDatetime, BaseModel
from sqladmin import expose
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.console.desk import (
    Fragment,
    changed_rows,
    fragment_of,
    ticket_page,
    tickets_page,
)
from expenses.console.queue import LIST
from expenses.console.views import ReadOnlyView, id_of
from expenses.errors import Conflict, InvalidInput, OwnTicket
from expenses.i18n.languages import gettext, sentence
from expenses.i18n.text import N_
from expenses.tickets import decisions
from expenses.tickets.models import Ticket
from expenses.tickets.schemas import Reason
from expenses.users.sessions import CurrentUser
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, local_path
from expenses.web.problems import status_of
from expenses.web.validation import parse


class Approval(BaseModel):
    reason: Reason | None = None
    seen: AwareDatetime | None = None


class Denial(BaseModel):
    reason: Reason
    seen: AwareDatetime | None = None


class Reopening(BaseModel):
    reason: Reason


class TicketView(ReadOnlyView, model=Ticket):
    name = "Ticket"
    name_plural = "Tickets"

    async def list_page(self, request: Request) -> Response:
        return await tickets_page(request, request.query_params)

    async def details_page(self, request: Request) -> Response:
        return await ticket_page(request, id_of(request))

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
        stays = fragment_of(request) is Fragment.ROW
        try:
            async with writing(request) as connection:
                await act(connection, ticket_id, user_of(request))
        except InvalidInput as error:
            return await ticket_page(request, ticket_id, 422, errors=error.fields, form=form)
        except (Conflict, OwnTicket) as error:
            if stays:
                return await changed_rows(
                    request, form, [ticket_id], sentence(error), status_code=status_of(error)
                )
            return await ticket_page(request, ticket_id, status_of(error), refusal=sentence(error))
        message = gettext(success, id=ticket_id)
        if stays:
            return await changed_rows(request, form, [ticket_id], message)
        undo = "/admin/ticket/undo" if may_undo else None
        flash(request, message, undo=undo, tickets=str(ticket_id))
        return RedirectResponse(local_path(form["next"], LIST), 303)


def _filled_in(form: FormValues, *names: str) -> dict[str, str]:
    """Leave out the inputs that are empty."""
    return {name: form[name] for name in names if form[name].strip()}
