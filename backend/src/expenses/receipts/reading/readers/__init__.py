"""Readers of invoices: each knows one form in which a document states them exactly."""

from collections.abc import Callable, Iterator

from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.invoices import Invoice
from expenses.receipts.reading.readers import (
    cii,
    einvoice_cn,
    epc,
    facturx,
    fapiao,
    swiss_qr,
    ubl,
)

# Those that state most come first.
_READERS: tuple[Callable[[Document], Invoice | None], ...] = (
    facturx.read,
    cii.read,
    ubl.read,
    einvoice_cn.read,
    fapiao.read,
    swiss_qr.read,
    epc.read,
)


def read_invoices(document: Document) -> Iterator[Invoice]:
    for read in _READERS:
        if invoice := read(document):
            yield invoice
