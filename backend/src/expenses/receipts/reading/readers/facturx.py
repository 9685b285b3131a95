"""Factur-X and ZUGFeRD: a Cross Industry Invoice that a PDF carries."""

from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice
from expenses.receipts.reading.readers.cii import invoice_of, is_credit_note, is_invoice


def read(document: Document) -> Invoice | None:
    if not document.is_pdf:
        return None
    for root in document.xml:
        if is_invoice(root) and not is_credit_note(root):
            return invoice_of(root, "factur-x")
    return None
