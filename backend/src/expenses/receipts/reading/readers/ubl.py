"""Invoices in the Universal Business Language of OASIS: Peppol BIS 3, XRechnung and others."""

from xml.etree.ElementTree import Element

from expenses.files.worker import Unreadable
from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice, amount_of, day_of, due_or_paid
from expenses.receipts.reading.limits import CREDIT_NOTE
from expenses.receipts.reading.readers.cii import CREDIT_NOTES
from expenses.receipts.reading.xml import text_at

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
_INVOICE = f"{{{_SCHEMA}Invoice-2}}Invoice"
_CREDIT_NOTE = f"{{{_SCHEMA}CreditNote-2}}CreditNote"


def read(document: Document) -> Invoice | None:
    for root in document.xml:
        if root.tag in {_INVOICE, _CREDIT_NOTE}:
            if not _is_credit_note(root):
                return _invoice_of(root)
            if not document.is_pdf:
                raise Unreadable(CREDIT_NOTE)
    return None


def _is_credit_note(root: Element) -> bool:
    return root.tag == _CREDIT_NOTE or text_at(root, "InvoiceTypeCode") in CREDIT_NOTES


def _invoice_of(root: Element) -> Invoice:
    currency = text_at(root, "DocumentCurrencyCode")
    totals = "LegalMonetaryTotal"
    due = amount_of(text_at(root, f"{totals}/PayableAmount", currency=currency))
    total = amount_of(text_at(root, f"{totals}/TaxInclusiveAmount", currency=currency))
    seller = "AccountingSupplierParty/Party"
    return Invoice(
        "ubl",
        number=text_at(root, "ID"),
        date=day_of(text_at(root, "IssueDate"), "%Y-%m-%d"),
        amount=due_or_paid(due, total),
        currency=currency,
        merchant=text_at(
            root, f"{seller}/PartyLegalEntity/RegistrationName", f"{seller}/PartyName/Name"
        ),
    )
