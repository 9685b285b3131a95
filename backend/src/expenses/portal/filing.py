"""Filing a ticket, with a warning first where it looks like another one."""

import hashlib
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.portal.fields import NAMES, blank, read_fields, ticket_values
from expenses.portal.hints import hints_at, purchase_in, receipt_hint
from expenses.portal.listing import LIST, tickets_page
from expenses.portal.receipts import ReceivedDependency
from expenses.receipts.actions import attach_drafts
from expenses.tickets import actions
from expenses.tickets.duplicates import Purchase, duplicates_of_purchase
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.schemas import TicketFields
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    SettingsDependency,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import flash

router = APIRouter(prefix=LIST)


@router.post("")
async def create_ticket(
    request: Request,
    received: ReceivedDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> Response:
    """Files what looks like another ticket only once its form has been confirmed."""
    form = received.values
    try:
        if received.errors:
            raise InvalidInput(received.errors)
        fields = read_fields(TicketFields, ticket_values(form), settings=settings)
        key = _key(form, fields)
        if not form["confirm"]:
            purchase = Purchase(
                fields.spent_on, fields.amount, fields.currency, fields.links, idempotency_key=key
            )
            found = await duplicates_of_purchase(connection, purchase, actor=user)
            if found:
                return await tickets_page(request, connection, user, form, hints=hints_at(found))
        receipts, later = _receipts(form)
        # Without its receipts, no ticket is filed.
        async with connection.begin_nested():
            ticket_id = await actions.create_ticket(
                connection, fields, actor=user, settings=settings, idempotency_key=key
            )
            await attach_drafts(connection, ticket_id, receipts, actor=user)
    except InvalidInput as error:
        return await tickets_page(request, connection, user, form, error.fields, status=422)
    flash(request, gettext("Ticket %(id)s is filed.", id=ticket_id))
    if hint := receipt_hint(form, settings):
        flash(request, hint, "warning")
    query: dict[str, Any] = {"filed": ticket_id}
    if later:
        query |= {"new": 1, "each": 1, "receipts": later}
    return RedirectResponse(f"{LIST}?{urlencode(query, doseq=True)}", status_code=303)


@router.post("/duplicates")
async def find_duplicates(
    form: FormDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> dict[str, Any]:
    """Answers the form's script while a person types; files nothing."""
    purchase = purchase_in(form)
    found = await duplicates_of_purchase(connection, purchase, actor=user)
    return {
        "hints": [
            {"address": f"{LIST}/{hint.ticket_id}", "sentence": hint.sentence}
            for hint in hints_at(found)
        ],
        "receipt": receipt_hint(form, settings),
    }


@router.post("/draft")
async def fill_in(
    request: Request,
    form: FormDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> Response:
    """Shows the form filled in with what was typed elsewhere; files nothing."""
    ensure_can_create(user)
    typed = {name: form[name] for name in NAMES if name in form}
    return await tickets_page(request, connection, user, FormValues(blank(settings) | typed))


def _receipts(form: FormValues) -> tuple[list[int], list[int]]:
    """Return the drafts of this ticket, and those that are filed after it, each by itself."""
    ids = [int(text) for text in form.many["receipts"] if text.isdecimal()]
    return (ids[:1], ids[1:]) if form["each"] else (ids, [])


def _key(form: FormValues, fields: TicketFields) -> str | None:
    """Make one ticket of a form that is sent twice, and two if it was changed in between."""
    if not form["key"]:
        return None
    return hashlib.sha256(f"{form['key']} {fields!r}".encode()).hexdigest()
