"""What an uploaded file is, how it looks, and what it says exactly."""

from expenses.receipts.inspection.inspect import Inspection, inspect
from expenses.receipts.inspection.kinds import Kind, UnreadableFile
from expenses.receipts.reading.invoices import Invoice
from expenses.receipts.reading.limits import MAX_PREVIEWS, MAX_SIZE

__all__ = [
    "MAX_PREVIEWS",
    "MAX_SIZE",
    "Inspection",
    "Invoice",
    "Kind",
    "UnreadableFile",
    "inspect",
]
