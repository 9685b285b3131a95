"""The ticket form: its inputs, and what they mean."""

import secrets
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from expenses.errors import InvalidInput
from expenses.i18n.amounts import read_amount
from expenses.i18n.languages import gettext
from expenses.i18n.money import ensure_fits_currency, with_decimals
from expenses.settings import Settings
from expenses.tickets.actions import ensure_by_tomorrow
from expenses.tickets.models import Category
from expenses.tickets.queries import TicketView
from expenses.tickets.schemas import TicketChanges, TicketFields
from expenses.tickets.spreadsheets.dates import read_date
from expenses.tickets.spreadsheets.links import split_links
from expenses.web.pages.forms import FormValues
from expenses.web.validation import parse

NAMES = ("spent_on", "amount", "currency", "category", "description", "merchant", "links")

Fields = TypeVar("Fields", TicketFields, TicketChanges)


def blank(settings: Settings, currency: str | None = None) -> FormValues:
    """Return an empty form; its key makes a form that is sent twice file one ticket."""
    return FormValues(
        spent_on=settings.today().isoformat(),
        currency=currency or settings.currency,
        key=secrets.token_urlsafe(12),
    )


def values_of(ticket: TicketView) -> FormValues:
    return FormValues(
        spent_on=ticket.spent_on.isoformat(),
        amount=str(with_decimals(ticket.amount, ticket.currency)),
        currency=ticket.currency,
        category=ticket.category.value,
        description=ticket.description,
        merchant=ticket.merchant or "",
        links="\n".join(ticket.links),
    )


def copy_of(ticket: TicketView, settings: Settings) -> FormValues:
    """Return a form for the same purchase again, today."""
    fresh = blank(settings)
    return FormValues(values_of(ticket) | {name: fresh[name] for name in ("spent_on", "key")})


def ticket_values(form: FormValues) -> dict[str, Any]:
    """Return the fields that were sent, as `read_fields` takes them."""
    values: dict[str, Any] = {name: form[name] for name in NAMES if name in form}
    if "links" in form:
        values["links"] = split_links(form["links"])
    if "merchant" in form:
        values["merchant"] = form["merchant"].strip() or None
    return values


def read_fields(model: type[Fields], values: Mapping[str, Any], *, settings: Settings) -> Fields:
    """Read what a person typed. Raises `InvalidInput` that names every wrong field at once."""
    typed = dict(values)
    errors = _amount_error(typed, settings) | _date_error(typed, settings)
    try:
        fields = parse(model, typed)
    except InvalidInput as error:
        raise InvalidInput(error.fields | errors) from None
    if errors:
        raise InvalidInput(errors)
    if isinstance(fields, TicketFields):
        ensure_fits_currency(fields.amount, fields.currency or settings.currency)
    return fields


def _amount_error(typed: dict[str, Any], settings: Settings) -> dict[str, str]:
    """Write the amount plainly, or take it out and say what is wrong with it."""
    amount, currency = str(typed.get("amount") or ""), str(typed.get("currency") or "")
    if not amount.strip():
        return {}
    try:
        typed["amount"], currency = read_amount(amount, currency, settings.currency)
    except ValueError as error:
        del typed["amount"]
        return {"amount": str(error)}
    if currency:
        typed["currency"] = currency
    return {}


def _date_error(typed: dict[str, Any], settings: Settings) -> dict[str, str]:
    """Write the date in ISO form, or take it out and say what is wrong with it."""
    text = str(typed.get("spent_on") or "")
    if not text.strip():
        return {}
    try:
        typed["spent_on"] = read_date(text)
        ensure_by_tomorrow("spent_on", date.fromisoformat(typed["spent_on"]), settings)
    except InvalidInput as error:
        return error.fields
    except ValueError as error:
        del typed["spent_on"]
        return {"spent_on": str(error)}
    return {}


def differing(form: FormValues, ticket: TicketView) -> dict[str, str]:
    """Return what was typed where it differs from the ticket."""
    saved = values_of(ticket)
    return {
        name: form[name]
        for name in NAMES
        if name in form and form[name].split() != saved[name].split()
    }


def form_context(values: FormValues, errors: dict[str, str] | None = None) -> dict[str, Any]:
    """Return what the template of the form needs."""
    by_input = _by_input(errors or {})
    return {
        "values": values,
        "errors": by_input,
        "wrong_first": next((name for name in NAMES if name in by_input), None),
        "categories": list(Category),
    }


def _by_input(errors: dict[str, str]) -> dict[str, str]:
    """Collect the errors by input; all links share one, so the message names the link."""
    by_input: dict[str, str] = {}
    for field, message in errors.items():
        name, _, position = field.partition(".")
        if position.isdigit():
            message = gettext(
                "Link %(number)s: %(problem)s",
                number=int(position) + 1,
                problem=gettext(message),
            )
        by_input.setdefault(name, message)
    return by_input
