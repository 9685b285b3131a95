"""EPC QR codes, which begin a SEPA payment: guidelines EPC069-12."""

from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice, amount_of, only_one

_VERSIONS = {"001", "002"}


def read(document: Document) -> Invoice | None:
    found = [invoice for code in document.codes if (invoice := _invoice_of(code))]
    return only_one(found)


def _invoice_of(code: str) -> Invoice | None:
    lines = [line.strip() for line in code.splitlines()]
    if len(lines) < 7 or lines[0] != "BCD" or lines[1] not in _VERSIONS or lines[3] != "SCT":
        return None
    amount = lines[7] if len(lines) > 7 else ""
    if not amount.startswith("EUR"):
        return Invoice("epc", merchant=lines[5])
    return Invoice(
        "epc", amount=amount_of(amount.removeprefix("EUR")), currency="EUR", merchant=lines[5]
    )
