"""The form of a ticket: what stands in its inputs, and what that means."""

import secrets
from typing import Annotated, Any

from pydantic import BeforeValidator

from expenses.i18n.amounts import plain_amount
from expenses.i18n.languages import gettext
from expenses.i18n.money import Amount, currencies
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


def blank(settings: Settings) -> FormValues:
    """The key is what makes one ticket of a form that is sent twice."""
    return FormValues(
        spent_on=settings.today().isoformat(),
        currency=settings.currency,
        key=secrets.token_urlsafe(12),
    )


def values_of(ticket: TicketView) -> FormValues:
    return FormValues(
        spent_on=ticket.spent_on.isoformat(),
        amount=str(ticket.amount),
        currency=ticket.currency,
        category=ticket.category.value,
        description=ticket.description,
        links="\n".join(ticket.links),
    )


def copy_of(ticket: TicketView, settings: Settings) -> FormValues:
    """The same purchase once more, today."""
    fresh = blank(settings)
    return FormValues(values_of(ticket) | {name: fresh[name] for name in ("spent_on", "key")})


def ticket_values(form: FormValues) -> dict[str, Any]:
    """The fields as `TypedFields` and `TypedChanges` take them; those that were sent."""
    values: dict[str, Any] = {name: form[name] for name in NAMES if name in form}
    if "links" in form:
        # No address has a space in it: pasted side by side, they are several as well.
        values["links"] = form["links"].split()
    return values


def differing(form: FormValues, ticket: TicketView) -> dict[str, str]:
    """What was typed, where it is something else than what the ticket says."""
    saved = values_of(ticket)
    return {
        name: form[name]
        for name in NAMES
        if name in form and form[name].split() != saved[name].split()
    }


def form_context(values: FormValues, errors: dict[str, str] | None = None) -> dict[str, Any]:
    """What the template of the fields needs."""
    by_input = _by_input(errors or {})
    return {
        "values": values,
        "errors": by_input,
        "wrong_first": next((name for name in NAMES if name in by_input), None),
        "categories": list(Category),
        "currencies": sorted(currencies()),
    }


def _by_input(errors: dict[str, str]) -> dict[str, str]:
    """A form has one input for all links; the message says which one is meant."""
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
