"""What the readers of invoices get to see of a file."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element


@dataclass
class Document:
    """`xml` are the first elements of a file of XML, or of the files that a PDF carries.

    `codes` are the texts of QR codes, and `lines` those of the first pages, as the eye sees them.
    """

    is_pdf: bool = False
    xml: list[Element] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
