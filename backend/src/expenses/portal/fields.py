"""The ticket form: its inputs, and what they mean."""

import secrets
from typing import Annotated, Any

from pydantic import BeforeValidator

from expenses.i18n.amounts import plain_amount
from expenses.i18n.languages import gettext
from expenses.i18n.money import Amount, currencies, with_decimals
from expenses.settings import Settings
from expenses.tickets.models import Category
from expenses.tickets.queries import TicketView
from expenses.tickets.schemas import TicketChanges, TicketFields
from expenses.web.pages.forms import FormValues

NAMES = ("spent_on", "amount", "currency", "category", "description", "links")

TypedAmount = Annotated[Amount, BeforeValidator(plain_amount)]


class TypedFields(TicketFields):
    amount: TypedAmount


class TypedChanges(TicketChanges):
    amount: TypedAmount | None = None


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
        links="\n".join(ticket.links),
    )


def copy_of(ticket: TicketView, settings: Settings) -> FormValues:
    """Return a form for the same purchase again, today."""
    fresh = blank(settings)
    return FormValues(values_of(ticket) | {name: fresh[name] for name in ("spent_on", "key")})


def ticket_values(form: FormValues) -> dict[str, Any]:
    """Return the fields that were sent, as `TypedFields` and `TypedChanges` take them."""
    values: dict[str, Any] = {name: form[name] for name in NAMES if name in form}
    if "links" in form:
        # No address has a space in it: pasted side by side, they are several as well.
        values["links"] = form["links"].split()
    return values


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
        "currencies": sorted(currencies()),
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
