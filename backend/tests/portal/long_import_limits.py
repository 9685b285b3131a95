"""Files that are small, and huge inside or slow to read."""

import zipfile
from io import BytesIO

from tests.portal.test_import import HEADER, check, file_problem, lines, workbook
from tests.portal.test_import_reading import (
    ReadingTestCase,
    archive,
    ods_row,
    ods_text,
    open_document,
)


class TooMuch(ReadingTestCase):
    async def refused(self, content: str | bytes) -> str:
        async with self.nothing_changes():
            page = await check(self.browser, content)
        self.assertEqual(page.status_code, 422)
        return file_problem(page)

    async def test_workbooks_that_unfold_to_all_memory(self) -> None:
        cell = '<c r="{}" t="inlineStr"><is><t>date</t></is></c>'
        ods_cell = (
            '<table:table-cell table:number-columns-repeated="1000" office:value-type="float"'
            ' office:value="1"><text:p>1</text:p></table:table-cell>'
        )
        for content in (
            xlsx(f'<row r="1">{cell.format("A1")}{cell.format("XFD1048576")}</row>'),
            xlsx(f'<row r="1">{cell.format("A1")}{cell.format("ALL100000")}</row>'),
            open_document(
                f'<table:table-row table:number-rows-repeated="100000">{ods_cell}</table:table-row>'
            ),
            open_document(ods_row(ods_text('<text:s text:c="2000000000"/>'))),
            archive({"xl/sharedStrings.xml": bytes(200_000_000)}),
        ):
            self.assertIn("far too large inside", await self.refused(content), content[:300])
        page = await check(self.browser, workbook([HEADER.split(","), *[["x" * 30_000]] * 400]))
        self.assertIn("far too large inside", file_problem(page))

    async def test_workbooks_that_only_claim_to_be_large(self) -> None:
        dimension = '<dimension ref="A1:XFD1048576"/>'
        text = '<c r="{}1" t="inlineStr"><is><t>{}</t></is></c>'
        cells = "".join(text.format(chr(65 + place), name) for place, name in enumerate("abc"))
        page = await check(self.browser, xlsx(f'<row r="1">{cells}</row>', dimension))
        self.assertIn("Missing:", page.text)
        far = text.format("XFD", "date")
        self.assertIn(
            "more than 200 columns", await self.refused(xlsx(f'<row r="1">{cells}{far}</row>'))
        )

    async def test_text_of_many_rows_columns_and_blank_lines(self) -> None:
        self.assertIn("at most 5,000 at once", await self.refused("1,2,3,4\n" * 1_000_000))
        self.assertIn("more than 200 columns", await self.refused("a," * 4_000_000 + "\n"))
        tea = lines("2026-11-02,1,EUR,meals,Tea,")
        self.assertIn("at most 5,000 at once", await self.refused(tea + "\n" * 9_000_000))
        page = await check(self.browser, tea + ",,,,\n" * 1_000_000)
        self.assertIn("File 1 ticket", page.text)
        self.assertIn("at most 5,000", await self.refused("é,2,3\n".encode("cp1252") * 1_000_000))

    async def test_cells_that_patterns_could_spend_hours_on(self) -> None:
        for start in ("\n'", "((", ",;", "x)", " 1", "' '", "1.", "a b", "www.", "：", "11/"):
            cell = f'"x{(start * 130_000)[:130_000]}x"'
            async with self.nothing_changes():
                page = await check(self.browser, lines(",".join([cell] * 6)))
            self.assertEqual(page.status_code, 422)


def xlsx(rows: str, dimension: str = "") -> bytes:
    """Write by hand what no program would."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    book = workbook([[]])
    with zipfile.ZipFile(BytesIO(book)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    sheet = f'<worksheet xmlns="{main}">{dimension}<sheetData>{rows}</sheetData></worksheet>'
    return archive(parts | {"xl/worksheets/sheet1.xml": sheet.encode()})
