"""Swiss QR-bills: the code on their payment part, by SIX's implementation guidelines 2."""

from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice, amount_of, only_one

_CREDITOR, _AMOUNT, _CURRENCY, _TRAILER = 5, 18, 19, 30


def read(document: Document) -> Invoice | None:
    found = [invoice for code in document.codes if (invoice := _invoice_of(code))]
    return only_one(found)


def _invoice_of(code: str) -> Invoice | None:
    lines = [line.strip() for line in code.splitlines()]
    if len(lines) <= _TRAILER or lines[0] != "SPC" or not lines[1].startswith("02"):
        return None
    if lines[_TRAILER] != "EPD":
        return None
    return Invoice(
        "swiss-qr",
        amount=amount_of(lines[_AMOUNT]),
        currency=lines[_CURRENCY],
        merchant=lines[_CREDITOR],
    )
