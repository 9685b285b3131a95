"""Which column of a table is which field of a ticket, by the headings that people use."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIELDS = ("spent_on", "amount", "currency", "category", "description", "merchant", "links")
REQUIRED = ("spent_on", "amount", "category", "description")
# Titles, names and addresses may stand above the headings.
MAX_ROWS_ABOVE = 20

_HEADINGS = {
    "spent_on": "date day spenton dateofpurchase purchasedate transactiondate expensedate"
    " receiptdate invoicedate datum 日期 消费日期 发生日期 交易日期 开票日期 费用日期",
    "amount": "amount total sum price cost value gross grossamount totalamount amountpaid paid"
    " betrag 金额 总额 总金额 报销金额 价税合计 消费金额",
    "currency": "currency curr ccy currencycode währung 币种 货币 币别",
    "category": "category type expensetype expensecategory kind kategorie 类别 分类 费用类别"
    " 费用类型 类型",
    "description": "description whatfor what purpose memo note notes details detail comment"
    " comments remark remarks reason item beschreibung 说明 用途 备注 摘要 描述 事由 内容",
    "links": "links link url urls receipturl receipt receiptlink invoiceurl website 链接 网址"
    " 票据链接 发票链接",
    "merchant": "merchant vendor supplier shop store payee company 商户 商家 供应商 销售方 收款方",
}
_FIELD_OF = {name: field for field, names in _HEADINGS.items() for name in names.split()}


@dataclass(frozen=True)
class Headings:
    """The row with the headings, and the column of each field that is known.

    `row` is the row's position in the table, and `unknown` are headings that mean nothing here.
    """

    row: int
    cells: Sequence[str]
    columns: Mapping[str, int]

    @property
    def missing(self) -> list[str]:
        known = set(self.columns)
        if "merchant" in known:
            # Where there is no description, the merchant says what it was.
            known.add("description")
        return [field for field in REQUIRED if field not in known]

    @property
    def unknown(self) -> list[str]:
        used = set(self.columns.values())
        return [cell for column, cell in enumerate(self.cells) if cell and column not in used]

    def cell(self, field: str, cells: Sequence[str]) -> str:
        """Return the cell of a row that is this field, empty where there is none."""
        column = self.columns.get(field, len(cells))
        return cells[column] if column < len(cells) else ""


def normalized(heading: str) -> str:
    """Reduce a heading to its letters, in lower case: "Receipt URL" and "receipt_url" are one."""
    text = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"[\W_]+", "", re.sub(r"\([^()]*\)", "", text))


def recognized_fields(
    cells: Sequence[str], remembered: Mapping[str, str] | None = None
) -> dict[str, int]:
    """Find the column of each field that has a known heading; the first of several."""
    columns: dict[str, int] = {}
    for column, cell in enumerate(cells):
        name = normalized(cell)
        field = (remembered or {}).get(name) or _FIELD_OF.get(name)
        if field is not None:
            columns.setdefault(field, column)
    return columns


def find_headings(
    rows: Sequence[tuple[int, list[str]]],
    remembered: Mapping[str, str] | None = None,
    chosen: Mapping[str, int] | None = None,
) -> Headings:
    """Find the row near the top with the most known headings.

    `chosen` columns override the recognized ones.
    """
    found = [recognized_fields(cells, remembered) for _, cells in rows[:MAX_ROWS_ABOVE]]
    row = max(range(len(found)), key=lambda place: len(found[place]))
    columns = found[row]
    if chosen is not None:
        columns = {field: column for field, column in chosen.items() if column >= 0}
    return Headings(row, rows[row][1], columns)
