"""Cross Industry Invoices of UN/CEFACT in XML: XRechnung and others."""

from xml.etree.ElementTree import Element

from expenses.files.worker import Unreadable
from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice, amount_of, day_of, due_or_paid
from expenses.receipts.reading.limits import CREDIT_NOTE
from expenses.receipts.reading.xml import text_at

# The first is ZUGFeRD 1.
_ROOTS = ("CrossIndustryDocument", "CrossIndustryInvoice")
_HEADERS = ("HeaderExchangedDocument", "ExchangedDocument")
_TRADES = ("SpecifiedSupplyChainTradeTransaction", "SupplyChainTradeTransaction")
_AGREEMENTS = ("ApplicableSupplyChainTradeAgreement", "ApplicableHeaderTradeAgreement")
_SETTLEMENTS = ("ApplicableSupplyChainTradeSettlement", "ApplicableHeaderTradeSettlement")
_TOTALS = (
    "SpecifiedTradeSettlementMonetarySummation",
    "SpecifiedTradeSettlementHeaderMonetarySummation",
)
# UNTDID 1001: what says that money comes back.
CREDIT_NOTES = frozenset(
    {"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"}
)


def read(document: Document) -> Invoice | None:
    if document.is_pdf:
        return None
    for root in document.xml:
        if is_invoice(root):
            if is_credit_note(root):
                raise Unreadable(CREDIT_NOTE)
            return invoice_of(root, "cii")
    return None


def is_invoice(root: Element) -> bool:
    return root.tag.rpartition("}")[2] in _ROOTS


def is_credit_note(root: Element) -> bool:
    return text_at(root, *_joined(_HEADERS, "TypeCode")) in CREDIT_NOTES


def invoice_of(root: Element, reader: str) -> Invoice:
    settlements = _joined(_TRADES, *_SETTLEMENTS)
    currency = text_at(root, *_joined(settlements, "InvoiceCurrencyCode"))
    totals = _joined(settlements, *_TOTALS)
    due = amount_of(text_at(root, *_joined(totals, "DuePayableAmount"), currency=currency))
    total = amount_of(text_at(root, *_joined(totals, "GrandTotalAmount"), currency=currency))
    return Invoice(
        reader,
        number=text_at(root, *_joined(_HEADERS, "ID")),
        date=day_of(
            text_at(root, *_joined(_HEADERS, "IssueDateTime/DateTimeString")),
            "%Y%m%d",
        ),
        amount=due_or_paid(due, total),
        currency=currency,
        merchant=text_at(root, *_joined(_joined(_TRADES, *_AGREEMENTS), "SellerTradeParty/Name")),
    )


def _joined(parents: tuple[str, ...], *children: str) -> tuple[str, ...]:
    return tuple(f"{parent}/{child}" for parent in parents for child in children)
