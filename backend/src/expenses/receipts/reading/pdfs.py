"""PDF documents: their pages as images and as lines of text, and the XML that they carry."""

from collections.abc import Iterator

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from expenses.files.worker import DAMAGED, Unreadable
from expenses.receipts.reading.limits import MAX_PAGES, PROTECTED, TOO_MANY_PAGES

# A page may claim to be 5 m long, or as small as a stamp.
MAX_SCALE = 4.0
MAX_ATTACHMENTS = 20
MAX_RECTANGLES = 3000


def open_pdf(content: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        is_protected = error.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}
        raise Unreadable(PROTECTED if is_protected else DAMAGED) from None
    if len(document) > MAX_PAGES:
        raise Unreadable(TOO_MANY_PAGES)
    if not len(document):
        raise Unreadable(DAMAGED)
    document.init_forms()
    return document


def page_image(page: pypdfium2.PdfPage, side: int) -> Image.Image:
    """Render a page so that its longer side has so many pixels."""
    scale = min(side / max(*page.get_size(), 1), MAX_SCALE)
    image: Image.Image = page.render(scale=scale).to_pil()
    return image.convert("RGB")


def lines_of(page: pypdfium2.PdfPage) -> list[str]:
    """Return the text line by line as the eye sees it, with tabs where there are wide gaps.

    In the file, the labels of a form often come first, and what is filled in after all of them.
    """
    lines: list[list[_Piece]] = []
    for piece in sorted(_pieces(page), key=lambda piece: -piece.middle):
        if lines and lines[-1][0].is_beside(piece):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [_joined(sorted(line, key=lambda piece: piece.left)) for line in lines]


def xml_attachments(document: pypdfium2.PdfDocument) -> Iterator[bytes]:
    for number in range(min(document.count_attachments(), MAX_ATTACHMENTS)):
        attachment = document.get_attachment(number)
        if attachment.get_name().lower().endswith(".xml"):
            yield bytes(attachment.get_data())


class _Piece:
    """A piece of text in one font, and where it stands; heights grow upwards."""

    def __init__(self, text: str, left: float, bottom: float, right: float, top: float) -> None:
        self.text, self.left, self.right = text, left, right
        self.middle, self.height = (top + bottom) / 2, top - bottom

    def is_beside(self, other: "_Piece") -> bool:
        """Whether both are on one line: what is filled in may stand a little higher or lower."""
        return abs(self.middle - other.middle) < 0.6 * max(self.height, other.height)


def _pieces(page: pypdfium2.PdfPage) -> Iterator[_Piece]:
    text_page = page.get_textpage()
    for number in range(min(text_page.count_rects(), MAX_RECTANGLES)):
        left, bottom, right, top = text_page.get_rect(number)
        text = text_page.get_text_bounded(left, bottom, right, top).strip()
        if text:
            yield _Piece(text, left, bottom, right, top)


def _joined(pieces: list[_Piece]) -> str:
    line = ""
    right = pieces[0].left
    for piece in pieces:
        gap = (piece.left - right) / max(piece.height, 1)
        line += ("\t" if gap > 1 else " " if gap > 0.25 else "") if line else ""
        line += piece.text
        right = piece.right
    return line
