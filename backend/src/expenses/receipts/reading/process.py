"""Looks at an uploaded file, in a process of its own: the only one that decodes any."""

import sys
from base64 import b64encode
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from itertools import chain
from typing import Any

import pypdfium2
import zxingcpp
from PIL import Image

from expenses.files.worker import DAMAGED, Unreadable, answer
from expenses.receipts.reading import pdfs
from expenses.receipts.reading.documents import Document
from expenses.receipts.reading.images import MAX_SIDE, open_image
from expenses.receipts.reading.limits import MAX_PREVIEWS, MAX_READ_PAGES, NO_INVOICE
from expenses.receipts.reading.previews import MAX_SIDE as PREVIEW_SIDE
from expenses.receipts.reading.previews import preview_of, thumbnail_of
from expenses.receipts.reading.readers import read_invoices
from expenses.receipts.reading.xml import parse

_QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read(content: bytes) -> dict[str, Any]:
    """The argument is the kind, such as "pdf"."""
    kind = sys.argv[1]
    if kind == "xml":
        return _read_xml(content)
    return _read_pdf(content) if kind == "pdf" else _read_image(content, kind)


def _read_xml(content: bytes) -> dict[str, Any]:
    document = Document(xml=[parse(content)])
    found = _answer(0, [], document)
    if not found["invoices"]:
        raise Unreadable(NO_INVOICE)
    return found


def _read_image(content: bytes, kind: str) -> dict[str, Any]:
    image = open_image(content, kind)
    return _answer(1, [image], Document(codes=_codes(image)))


def _read_pdf(content: bytes) -> dict[str, Any]:
    try:
        with pdfs.open_pdf(content) as pdf:
            document = Document(is_pdf=True, xml=_attached(pdf))
            images = (
                _page(pdf[number], document if number < MAX_READ_PAGES else None)
                for number in range(min(len(pdf), MAX_PREVIEWS))
            )
            return _answer(len(pdf), images, document)
    except pypdfium2.PdfiumError:
        raise Unreadable(DAMAGED) from None


def _page(page: pypdfium2.PdfPage, document: Document | None) -> Image.Image:
    """Return its image; what is on it is added to the document."""
    image = pdfs.page_image(page, MAX_SIDE if document else PREVIEW_SIDE)
    if document:
        document.codes += _codes(image)
        document.lines += pdfs.lines_of(page)
    return image


def _attached(pdf: pypdfium2.PdfDocument) -> list[Any]:
    roots = []
    for content in pdfs.xml_attachments(pdf):
        with suppress(Unreadable):
            roots.append(parse(content))
    return roots


def _codes(image: Image.Image) -> list[str]:
    found = zxingcpp.read_barcodes(image.convert("L"), formats=_QR_CODES)
    return [code.text for code in found]


def _answer(pages: int, images: Iterable[Image.Image], document: Document) -> dict[str, Any]:
    """Return what JSON can hold: pictures in base64, amounts and dates as text."""
    images = iter(images)
    first = next(images, None)
    every = chain([first] if first else [], images)
    previews = [b64encode(preview_of(image)).decode() for image in every]
    return {
        "pages": pages,
        "previews": previews,
        "thumbnail": b64encode(thumbnail_of(first)).decode() if first else None,
        "invoices": [_texts(asdict(invoice)) for invoice in read_invoices(document)],
    }


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value is not None}


if __name__ == "__main__":
    answer(read)
