"""Chinese fapiao: the QR code on each of them, and what the PDF says beside it.

The code reads 01,<type>,<code>,<number>,<amount>,<yyyymmdd>,<check>,<crc>,
"""

import re
from dataclasses import replace
from decimal import Decimal

from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice, amount_of, day_of, only_one

# What the amount in the code is depends on the type.
_BEFORE_TAX = frozenset({"01", "04", "10", "11"})
_WITH_TAX = frozenset({"31", "32"})

_NUMBER = re.compile(r"\d{8}|\d{20}")
_CODE = re.compile(r"(?:\d{10}|\d{12})?")
_TOTAL = re.compile(r"[(（]\s*小\s*写\s*[)）]\s*[¥￥]?\s*([\d,]+\.\d\d)(?!\d)")
_NAME = re.compile(r"名\s*称\s*[:：]\s*([^\t]+?)\s*(?=\t|$|[购销]?\s*名\s*称\s*[:：])")


def read(document: Document) -> Invoice | None:
    found = [invoice for code in document.codes if (invoice := _invoice_of(code, document.lines))]
    return only_one(found)


def _invoice_of(code: str, lines: list[str]) -> Invoice | None:
    parts = [part.strip() for part in code.split(",")]
    if len(parts) < 6 or parts[0] != "01":
        return None
    _, kind, invoice_code, number, amount, day = parts[:6]
    if not _NUMBER.fullmatch(number) or not _CODE.fullmatch(invoice_code):
        return None
    invoice = Invoice(
        "fapiao",
        number=number,
        code=invoice_code or None,
        date=day_of(day, "%Y%m%d"),
        currency="CNY",
        merchant=_seller(lines),
    )
    if kind in _WITH_TAX:
        return replace(invoice, amount=amount_of(amount))
    if kind in _BEFORE_TAX:
        return replace(invoice, amount=_total(lines, amount_of(amount)))
    return invoice


def _total(lines: list[str], before_tax: Decimal | None) -> Decimal | None:
    """Return the total with tax that the text states, which is not below the amount before tax."""
    stated = {amount_of(found.replace(",", "")) for line in lines for found in _TOTAL.findall(line)}
    total = stated.pop() if len(stated) == 1 else None
    if total is None or before_tax is None or total < before_tax:
        return None
    return total


def _seller(lines: list[str]) -> str | None:
    """Return the second of the two names: the buyer comes first, above or to the left."""
    names = [name for line in lines for name in _NAME.findall(line)]
    # Each page may name them again.
    pairs = {(buyer, seller) for buyer, seller in zip(names[::2], names[1::2], strict=False)}
    return names[1] if len(pairs) == 1 and len(names) % 2 == 0 else None
