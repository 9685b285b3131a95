"""The XML of China's fully digital invoices (数电票)."""

from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice, amount_of, day_of
from expenses.receipts.reading.xml import text_at


def read(document: Document) -> Invoice | None:
    for root in document.xml:
        if root.tag == "EInvoice":
            issued = text_at(root, "TaxSupervisionInfo/IssueTime") or ""
            return Invoice(
                "einvoice-cn",
                number=text_at(root, "TaxSupervisionInfo/InvoiceNumber", "Header/EIid"),
                # The time of day may follow.
                date=day_of(issued[:10], "%Y-%m-%d"),
                amount=amount_of(
                    text_at(root, "EInvoiceData/BasicInformation/TotalTax-includedAmount")
                ),
                currency="CNY",
                merchant=text_at(root, "EInvoiceData/SellerInformation/SellerName"),
            )
    return None
