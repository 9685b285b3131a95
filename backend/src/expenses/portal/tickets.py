"""An employee's own tickets, with the form for a new one on top."""

from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput
from expenses.portal.fields import blank, copy_of
from expenses.portal.filling import chosen, fill_in
from expenses.portal.listing import LIST, Listing, Moment, tickets_page
from expenses.receipts.queries import list_drafts
from expenses.tickets.queries import get_ticket
from expenses.tickets.summary import summarize
from expenses.users.actions import mark_decisions_seen
from expenses.users.models import Role
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    SettingsDependency,
    settings_of,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import local_path
from expenses.web.validation import parse

router = APIRouter(prefix=LIST)


class Seen(BaseModel):
    until: Moment


@router.get("")
async def my_tickets(
    request: Request,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
    copy: int | None = None,
) -> Response:
    if user.role is Role.EMPLOYER:
        return RedirectResponse("/admin/", status_code=303)
    summary = await summarize(connection, actor=user, today=settings.today())
    if copy is not None:
        values = copy_of(await get_ticket(connection, copy, actor=user), settings)
    else:
        values = blank(settings, summary.last_currency)
    if "receipts" in request.query_params:
        values = await _with_receipts(request, connection, user, values)
    page = partial(tickets_page, request, connection, user, values, summary=summary)
    try:
        listing = Listing.of(request.query_params)
    except InvalidInput as error:
        if set(error.fields) != {"q"}:
            raise
        return await page(errors=error.fields, status=422)
    return await page(listing=listing)


async def _with_receipts(
    request: Request, connection: AsyncConnection, user: CurrentUser, values: FormValues
) -> FormValues:
    """Fill in the form with drafts that the address names."""
    query = request.query_params
    values.many = {"receipts": query.getlist("receipts")}
    values["each"] = query.get("each", "")
    drafts = chosen(await list_drafts(connection, actor=user), values)
    return fill_in(values, drafts, settings_of(request))


@router.post("/seen")
async def mark_seen(
    form: FormDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
) -> Response:
    """Called by a button, or by a script once the page has been open for a moment."""
    await mark_decisions_seen(connection, parse(Seen, form).until, actor=user)
    return RedirectResponse(local_path(form["next"], LIST), status_code=303)
