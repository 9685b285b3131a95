"""The XML inside an XLSX file (ECMA-376), as far as plain lists need it."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from xml.sax.saxutils import escape, quoteattr

from expenses.web.exports.cells import Cell, Row

# Numbers are binary floats, in which this many digits survive. A longer one is written as text.
MOST_DIGITS = 15


class Style(IntEnum):
    """By the place in the `cellXfs` of `STYLES`."""

    PLAIN = 0
    BOLD = 1
    AMOUNT = 2
    DAY = 3
    INSTANT = 4


_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGES = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_DAY_ZERO = date(1899, 12, 30)
_SECONDS_A_DAY = 86400

_FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# How the format itself writes a character by its number: where a text looks so, it is escaped.
_NUMBERED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_UNUSUAL = re.compile(f"{_FORBIDDEN.pattern}|[&<>]|_x")

PACKAGE = (
    f'{_DECLARATION}<Relationships xmlns="{_PACKAGES}/relationships">'
    f'<Relationship Id="workbook" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)

STYLES = (
    f'{_DECLARATION}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="5">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="4" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    "</cellXfs>"
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)

SHEET_FOOT = b"</sheetData></worksheet>"


def sheet_head(widths: Sequence[int]) -> bytes:
    """Up to the first row, which stays in view."""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, start=1)
    )
    return (
        f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f"</sheetView></sheetViews><cols>{columns}</cols><sheetData>"
    ).encode()


def row_part(row: Row, style: Style = Style.PLAIN) -> bytes:
    """`style` is that of the texts; numbers and dates have their own."""
    return f"<row>{''.join([_cell(cell, style) for cell in row])}</row>".encode()


def path_of_sheet(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def contents(sheets: Sequence[str]) -> dict[str, str]:
    """The parts, by their paths, that say which sheets there are, given their names."""
    numbers = range(1, len(sheets) + 1)
    entries = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="sheet{number}"/>'
        for number, name in enumerate(sheets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="sheet{number}" Type="{_OFFICE}/worksheet"'
        f' Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    )
    types = "".join(
        f'<Override PartName="/{path_of_sheet(number)}" ContentType="{_TYPE}.worksheet+xml"/>'
        for number in numbers
    )
    return {
        "xl/workbook.xml": (
            f'{_DECLARATION}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
            f"<bookViews><workbookView/></bookViews><sheets>{entries}</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{_DECLARATION}<Relationships xmlns="{_PACKAGES}/relationships">{relations}'
            f'<Relationship Id="styles" Type="{_OFFICE}/styles" Target="styles.xml"/>'
            "</Relationships>"
        ),
        "[Content_Types].xml": (
            f'{_DECLARATION}<Types xmlns="{_PACKAGES}/content-types">'
            '<Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
            f"{types}</Types>"
        ),
    }


def _cell(value: Cell, style: Style) -> str:
    """Text stands in the cell itself, as text: it is never taken for a formula."""
    if isinstance(value, str):
        return _text_cell(value, style)
    if value is None:
        return "<c/>"
    if isinstance(value, datetime):
        return _number_cell(_instant_number(value), Style.INSTANT)
    if isinstance(value, date):
        return _number_cell(str((value - _DAY_ZERO).days), Style.DAY)
    number = str(value)
    if len(number.replace(".", "")) > MOST_DIGITS:
        return _text_cell(number, style)
    return _number_cell(number, Style.AMOUNT if isinstance(value, Decimal) else style)


def _text_cell(text: str, style: Style) -> str:
    if _UNUSUAL.search(text):
        text = escape(_NUMBERED.sub("_x005F_", _FORBIDDEN.sub("", text)))
    return f'<c s="{style:d}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _number_cell(number: str, style: Style) -> str:
    return f'<c s="{style:d}"><v>{number}</v></c>'


def _instant_number(instant: datetime) -> str:
    """Days since the calendar's zero, as the clock of the time zone shows it; full seconds."""
    seconds = (instant.hour * 60 + instant.minute) * 60 + instant.second
    return f"{(instant.date() - _DAY_ZERO).days + seconds / _SECONDS_A_DAY:.9f}"
