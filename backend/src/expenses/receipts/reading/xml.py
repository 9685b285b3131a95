"""XML without what it can do beyond holding text: no entities, no definitions, no network."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element, TreeBuilder

from lxml import etree

from expenses.files.worker import DAMAGED, Unreadable
from expenses.receipts.reading.limits import NO_INVOICE


class _Builder(TreeBuilder):
    """Builds the plain elements of the standard library."""

    def start(self, tag: str, attributes: Mapping[str, str], /) -> Element:
        return super().start(tag, dict(attributes))

    def doctype(self, *_: object) -> None:
        """Refuse entities where they are defined: no e-invoice has any."""
        raise Unreadable(NO_INVOICE)


def parse(content: bytes) -> Element:
    """Return the first element. Raises `Unreadable`."""
    parser = etree.XMLParser(
        target=_Builder(),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root: Element = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        raise Unreadable(DAMAGED) from None
    return root


def text_at(element: Element, *paths: str, currency: str | None = None) -> str | None:
    """Return the first text that there is, in any namespace, of the paths such as "a/b".

    With a currency, only one that is in it, or does not say its own.
    """
    for path in paths:
        anywhere = "/".join(f"{{*}}{name}" for name in path.split("/"))
        for found in element.iterfind(anywhere):
            if currency and found.get("currencyID", currency) != currency:
                continue
            if found.text and (text := found.text.strip()):
                return text
    return None
