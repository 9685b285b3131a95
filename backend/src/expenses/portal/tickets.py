"""An employee's own tickets: the list with the form for a new one, and a ticket's page."""

import hashlib
import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from expenses.errors import Conflict, InvalidInput
from expenses.money import currencies
from expenses.settings import Settings
from expenses.tickets import actions, queries
from expenses.tickets.models import Category
from expenses.tickets.policy import can_change
from expenses.tickets.queries import TicketView
from expenses.tickets.search import Sort, TicketFilter
from expenses.tickets.shapes import TicketChanges, TicketFields
from expenses.users.models import Role
from expenses.users.sessions import CurrentUser
from expenses.web.cursors import decode_position, encode_position
from expenses.web.forms import FormValues, read_form
from expenses.web.pages import flash, render
from expenses.web.problems import status_of
from expenses.web.requests import CurrentUserDependency, SessionDependency, SettingsDependency
from expenses.web.validation import parse

router = APIRouter(prefix="/tickets")

PAGE_SIZE = 20
_FIELDS = ("spent_on", "amount", "currency", "category", "description")


@router.get("")
async def tickets_page(
    request: Request,
    user: CurrentUserDependency,
    session: SessionDependency,
    settings: SettingsDependency,
    cursor: str | None = None,
) -> Response:
    if user.role is Role.EMPLOYER:
        return _to("/admin/")
    return await _tickets_page(request, session, user, _blank(settings), cursor=cursor)


@router.post("")
async def create_ticket(
    request: Request,
    user: CurrentUserDependency,
    session: SessionDependency,
    settings: SettingsDependency,
) -> Response:
    form = await read_form(request)
    try:
        fields = parse(TicketFields, _ticket_values(form))
        ticket_id = await actions.create_ticket(
            session, fields, actor=user, settings=settings, idempotency_key=_key(form, fields)
        )
    except InvalidInput as error:
        await session.rollback()
        return await _tickets_page(request, session, user, form, error.fields)
    flash(request, f"Ticket {ticket_id} is filed.")
    return _to("/tickets")


@router.get("/{ticket_id}")
async def ticket_page(
    request: Request, ticket_id: int, user: CurrentUserDependency, session: SessionDependency
) -> Response:
    if user.role is Role.EMPLOYER:
        return _to(f"/admin/ticket/details/{ticket_id}")
    return await _ticket_page(request, session, user, ticket_id)


@router.post("/{ticket_id}")
async def edit_ticket(
    request: Request,
    ticket_id: int,
    user: CurrentUserDependency,
    session: SessionDependency,
    settings: SettingsDependency,
) -> Response:
    form = await read_form(request)
    try:
        changes = parse(TicketChanges, _ticket_values(form))
        await actions.edit_ticket(session, ticket_id, changes, actor=user, settings=settings)
    except InvalidInput as error:
        await session.rollback()
        return await _ticket_page(request, session, user, ticket_id, form, error.fields, status=422)
    except Conflict as error:
        await session.rollback()
        return await _ticket_page(
            request, session, user, ticket_id, form, refusal=error.message, status=status_of(error)
        )
    flash(request, f"Ticket {ticket_id} is saved.")
    return _to(f"/tickets/{ticket_id}")


@router.post("/{ticket_id}/withdraw")
async def withdraw_ticket(
    request: Request, ticket_id: int, user: CurrentUserDependency, session: SessionDependency
) -> Response:
    try:
        await actions.withdraw_ticket(session, ticket_id, actor=user)
    except Conflict as error:
        await session.rollback()
        return await _ticket_page(
            request, session, user, ticket_id, refusal=error.message, status=status_of(error)
        )
    flash(request, f"Ticket {ticket_id} is withdrawn.")
    return _to(f"/tickets/{ticket_id}")


async def _tickets_page(
    request: Request,
    session: AsyncSession,
    user: CurrentUser,
    values: FormValues,
    errors: dict[str, str] | None = None,
    *,
    cursor: str | None = None,
) -> Response:
    page = await queries.list_tickets(
        session,
        actor=user,
        matching=TicketFilter(),
        position=decode_position(cursor, Sort.FILED_LAST),
        limit=PAGE_SIZE,
    )
    return render(
        request,
        "tickets.html",
        status_code=422 if errors else 200,
        tickets=page.items,
        is_first_page=cursor is None,
        next_cursor=encode_position(page.next, Sort.FILED_LAST),
        **_form_context(values, errors),
    )


async def _ticket_page(
    request: Request,
    session: AsyncSession,
    user: CurrentUser,
    ticket_id: int,
    values: FormValues | None = None,
    errors: dict[str, str] | None = None,
    *,
    refusal: str | None = None,
    status: int = 200,
) -> Response:
    ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return render(
        request,
        "ticket.html",
        status_code=status,
        ticket=ticket,
        events=await queries.ticket_history(session, ticket_id, actor=user),
        may_change=can_change(user, ticket),
        refusal=refusal,
        **_form_context(values or _values_of(ticket), errors),
    )


def _form_context(values: FormValues, errors: dict[str, str] | None) -> dict[str, Any]:
    return {
        "values": values,
        "errors": _by_input(errors or {}),
        "categories": list(Category),
        "currencies": sorted(currencies()),
    }


def _by_input(errors: dict[str, str]) -> dict[str, str]:
    """A form has one input for all links; the message says which line is meant."""
    by_input: dict[str, str] = {}
    for field, message in errors.items():
        name, _, position = field.partition(".")
        if position.isdigit():
            message = f"Line {int(position) + 1}: {message}"
        by_input.setdefault(name, message)
    return by_input


def _blank(settings: Settings) -> FormValues:
    return FormValues(
        spent_on=settings.today().isoformat(),
        currency=settings.currency,
        key=secrets.token_urlsafe(12),
    )


def _values_of(ticket: TicketView) -> FormValues:
    return FormValues(
        spent_on=ticket.spent_on.isoformat(),
        amount=str(ticket.amount),
        currency=ticket.currency,
        category=ticket.category.value,
        description=ticket.description,
        links="\n".join(ticket.links),
    )


def _ticket_values(form: FormValues) -> dict[str, Any]:
    values: dict[str, Any] = {name: form[name] for name in _FIELDS if name in form}
    if "links" in form:
        values["links"] = [line for line in form["links"].splitlines() if line.strip()]
    return values


def _key(form: FormValues, fields: TicketFields) -> str | None:
    """A form that is sent twice makes one ticket; one that was changed in between makes two."""
    if not form.get("key"):
        return None
    return hashlib.sha256(f"{form['key']} {fields!r}".encode()).hexdigest()


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
