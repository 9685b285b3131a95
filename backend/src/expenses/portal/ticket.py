"""A ticket's page, and editing and withdrawing it while it is pending."""

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import RedirectResponse

from expenses.errors import Conflict, InvalidInput
from expenses.i18n.languages import gettext, sentence
from expenses.payments.queries import run_of
from expenses.portal.fields import differing, form_context, read_fields, ticket_values, values_of
from expenses.portal.listing import LIST
from expenses.receipts.papers import papers_of
from expenses.tickets import actions, events, queries
from expenses.tickets.policy import can_change
from expenses.tickets.schemas import TicketChanges
from expenses.users.models import Role
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    SettingsDependency,
    settings_of,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import flash, render
from expenses.web.problems import status_of
from expenses.web.validation import parse

router = APIRouter(prefix=LIST)


class Seen(BaseModel):
    """The version of the ticket that the form was filled in with."""

    seen: AwareDatetime | None = None


@router.get("/{ticket_id:int}")
async def ticket_page(
    request: Request, ticket_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    if user.role is Role.EMPLOYER:
        return RedirectResponse(f"/admin/ticket/details/{ticket_id}", status_code=303)
    return await _page(request, connection, user, ticket_id)


@router.post("/{ticket_id:int}")
async def edit_ticket(
    request: Request,
    form: FormDependency,
    ticket_id: int,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> Response:
    try:
        changes = read_fields(TicketChanges, ticket_values(form), settings=settings)
        await actions.edit_ticket(
            connection,
            ticket_id,
            changes,
            actor=user,
            settings=settings,
            seen_at=parse(Seen, form).seen,
        )
    except InvalidInput as error:
        return await _page(request, connection, user, ticket_id, form, error.fields, status=422)
    except Conflict as error:
        return await _refused(request, connection, user, ticket_id, form, error)
    flash(request, gettext("Ticket %(id)s is saved.", id=ticket_id))
    return _to(ticket_id)


@router.post("/{ticket_id:int}/withdraw")
async def withdraw_ticket(
    request: Request,
    form: FormDependency,
    ticket_id: int,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
) -> Response:
    try:
        await actions.withdraw_ticket(connection, ticket_id, actor=user)
    except Conflict as error:
        return await _refused(request, connection, user, ticket_id, form, error)
    flash(request, gettext("Ticket %(id)s is withdrawn.", id=ticket_id))
    return _to(ticket_id)


async def _refused(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    ticket_id: int,
    form: FormValues,
    error: Conflict,
) -> Response:
    return await _page(
        request, connection, user, ticket_id, form, refusal=sentence(error), status=status_of(error)
    )


async def _page(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    ticket_id: int,
    form: FormValues | None = None,
    errors: dict[str, str] | None = None,
    *,
    refusal: str | None = None,
    status: int = 200,
) -> Response:
    """Render the ticket; what was typed stays in the form, or beside it if it can't be saved."""
    ticket = await queries.get_ticket(connection, ticket_id, actor=user)
    may_change = can_change(user, ticket)
    return render(
        request,
        "ticket.html",
        status_code=status,
        ticket=ticket,
        run=await run_of(connection, ticket_id) if ticket.paid_at else None,
        events=await events.ticket_history(connection, ticket_id, actor=user),
        papers=await papers_of(connection, [ticket], actor=user, settings=settings_of(request)),
        may_change=may_change,
        is_editing=may_change and (form is not None or "edit" in request.query_params),
        refusal=refusal,
        unsaved={} if may_change or form is None else differing(form, ticket),
        **form_context(form or values_of(ticket), errors),
    )


def _to(ticket_id: int) -> Response:
    return RedirectResponse(f"{LIST}/{ticket_id}", status_code=303)
