"""What invoices say, in the form of a ticket."""

from collections.abc import Sequence
from datetime import date

from expenses.i18n.money import with_decimals
from expenses.portal.fields import blank
from expenses.receipts.inspection import Invoice
from expenses.receipts.invoices import shared, total
from expenses.receipts.queries import ReceiptView
from expenses.settings import Settings
from expenses.web.pages.forms import FormValues

FILLED_IN = ("spent_on", "amount", "currency", "merchant")


def chosen(drafts: Sequence[ReceiptView], values: FormValues) -> list[ReceiptView]:
    """Return the drafts that a form names, in the order they were added."""
    wanted = set(values.many.get("receipts", ()))
    return [draft for draft in drafts if str(draft.id) in wanted]


def fill_in(values: FormValues, drafts: Sequence[ReceiptView], settings: Settings) -> FormValues:
    """Fill in what nobody has typed, and take back what a removed invoice had filled in.

    `from-…` holds what came from an invoice; the template marks a field that still has that value.
    """
    of_this_ticket = drafts[:1] if values["each"] else drafts
    said = _said([draft.invoice for draft in of_this_ticket if draft.invoice])
    empty = blank(settings)
    filled = FormValues(values)
    filled.many = values.many
    for name in FILLED_IN:
        typed = values[name]
        is_from_invoice = bool(typed) and typed == values[f"from-{name}"]
        if name in said and (not typed or is_from_invoice or _is_default(name, values, settings)):
            filled[name] = filled[f"from-{name}"] = said[name]
        elif is_from_invoice:
            filled[name] = empty[name]
    return filled


def _said(invoices: Sequence[Invoice]) -> dict[str, str]:
    """Write what the invoices agree on as a person would type it; amounts are added up."""
    if not invoices:
        return {}
    currency, amount = shared(invoices, "currency"), total(invoices)
    spent_on, merchant = shared(invoices, "date"), shared(invoices, "merchant")
    said = {}
    if isinstance(spent_on, date):
        said["spent_on"] = spent_on.isoformat()
    if currency:
        said["currency"] = str(currency)
        if amount is not None:
            said["amount"] = str(with_decimals(amount, str(currency)))
    if merchant:
        said["merchant"] = str(merchant)[:120]
    return said


def _is_default(name: str, values: FormValues, settings: Settings) -> bool:
    """Say whether a field has what the empty form had."""
    if name == "currency":
        return not values["amount"] or values["amount"] == values["from-amount"]
    return name == "spent_on" and values[name] == settings.today().isoformat()
