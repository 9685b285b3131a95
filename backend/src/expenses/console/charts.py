"""Bar charts, drawn on the server by pygal, as SVG that stands inside a page.

The page's security policy allows neither styles nor scripts inside a document, so what pygal
puts there is taken out; `overview.css` gives the charts their looks, in both colour schemes.
"""

import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

import pygal
from markupsafe import Markup
from pygal.style import Style

# pygal's finder of map plug-ins is of a kind that Python gave up (pygal's pull request 532), and
# warns whenever anything is imported after it. There are no maps here.
sys.meta_path[:] = [
    finder for finder in sys.meta_path if not isinstance(finder, pygal.PluginImportFixer)
]

# In units of the drawing, which is as wide as the box it stands in.
WIDTH = 440
COLUMNS_HEIGHT = 250
ROW_HEIGHT = 32
FONT_SIZE = 13
CHARACTER_WIDTH = 7.5

# In narrow characters, of which a Chinese one takes two.
LONGEST_LABEL = 16

# Tags and classes: style and script, descriptions, and what a script of pygal's would show.
_NEEDLESS = {"defs", "desc", "titles", "plot tooltip-overlay"}
_XLINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Bar:
    """`text` stands beside the bar, `hint` says all about it, `address` is where it leads."""

    label: str
    value: int | Decimal
    text: str
    hint: str
    address: str | None


def columns(bars: Sequence[Bar], scale: Callable[[float], str]) -> Markup:
    """Side by side, for what follows one another; `scale` writes the numbers of the axis."""
    chart = pygal.Bar(**_looks(), height=COLUMNS_HEIGHT, min_scale=2, max_scale=5, order_min=0)
    chart.value_formatter = scale
    return _drawing(chart, bars)


def rows(bars: Sequence[Bar]) -> Markup:
    """One below the other, each with its text at its end."""
    chart = pygal.HorizontalBar(
        **_looks(),
        height=ROW_HEIGHT * len(bars),
        margin_right=CHARACTER_WIDTH * max(_width(bar.text) for bar in bars),
        show_x_labels=False,
        print_labels=True,
        print_values_position="top",
    )
    # pygal draws the first row at the bottom.
    return _drawing(chart, bars[::-1])


def _looks() -> dict[str, Any]:
    return {
        "style": Style(label_font_size=FONT_SIZE, value_font_size=FONT_SIZE),
        "classes": ("drawing",),
        "width": WIDTH,
        "margin": 4,
        "show_legend": False,
        "js": [],
        "disable_xml_declaration": True,
    }


def _drawing(chart: Any, bars: Sequence[Bar]) -> Markup:
    chart.x_labels = [_shortened(bar.label) for bar in bars]
    chart.add(
        None,
        [
            {
                "value": float(bar.value),
                "label": bar.text,
                "tooltip": bar.hint,
                "xlink": {"href": bar.address} if bar.address else None,
            }
            for bar in bars
        ],
    )
    chart.add_xml_filter(_bare)
    # The texts in it were escaped when the tree was written.
    return Markup(chart.render())  # noqa: S704


def _bare(drawing: Element) -> Element:
    """Without what the security policy refuses, and what nobody needs to hear read aloud."""
    for node in [*drawing.iter()]:
        for child in [*node]:
            if _is_needless(child, node):
                node.remove(child)
    del drawing.attrib["id"]
    for link in drawing.iter("a"):
        link.set("href", link.attrib.pop(_XLINK))
        link.set("aria-label", link.findtext("title", ""))
    return drawing


def _is_needless(node: Element, parent: Element) -> bool:
    if node.tag == "title":
        return parent.tag != "a" and parent.get("class") != "bar"
    # A comment's tag is a function.
    return node.tag in _NEEDLESS or callable(node.tag) or node.get("class") in _NEEDLESS


def _shortened(label: str) -> str:
    if _width(label) <= LONGEST_LABEL:
        return label
    while _width(label) >= LONGEST_LABEL:
        label = label[:-1]
    return f"{label}…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
