"""What is read from a file, and what is left out of it or refused."""

import html
import re
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from typing import Any

import httpx
import openpyxl
import xlsxwriter
import xlwt
from msoffcrypto.format.ooxml import OOXMLFile

from expenses.tickets.imports import MAX_ROWS
from tests.harness import AppTestCase
from tests.portal.test_import import (
    HEADER,
    check,
    check_again,
    file_problem,
    lines,
    problems,
    save,
    workbook,
)


class ReadingTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.browser = await self.browser_of(await self.new_employee())

    async def filed(self, page: httpx.Response) -> list[dict[str, Any]]:
        """What the events of the filed tickets say."""
        self.assertEqual(page.status_code, 200, problems(page))
        before = len(await self.events("ticket.created"))
        answer = await save(self.browser, page)
        self.assertEqual(answer.status_code, 303)
        return [event.details for event in (await self.events("ticket.created"))[before:]]

    async def said(self, *rows: str) -> dict[tuple[str, str], str]:
        """The sentence at each cell with a problem."""
        async with self.nothing_changes():
            page = await check(self.browser, lines(*rows))
        return {(row, name): sentence for row, name, sentence, _ in problems(page)}


def dated(*dates: str) -> list[str]:
    return [f'"{day}",1,EUR,meals,Lunch {number},' for number, day in enumerate(dates)]


class Dates(ReadingTestCase):
    async def test_times_and_days_of_the_week_beside_a_date(self) -> None:
        same_day = (
            "2026-11-02 09:00",
            "2026-11-02T09:00:00.000Z",
            "2026-11-02T09:00+08:00",
            "20261102T090000Z",
            "20261102090000",
            "2026/11/2 上午9:00",
            "2026/11/2 9:00:00 下午",
            "2026年11月2日 下午3:05",
            "2026年11月2日9时5分",
            "2026年11月2日 星期一",
            "2026年11月2日(周一) 9点",
            "星期一，2026年11月2日",
            "Mon, 2 Nov 2026",
            "Monday 2 November 2026",
            "Monday, November 2nd, 2026 at 9:00 a.m.",
            "Mon Nov 02 2026 09:00:00 GMT+0100 (Central European Standard Time)",
            "Mon, 02 Nov 2026 09:00:00 +0100",
            "2 Nov 2026, 9 PM",
            "2026-11-02 (Mon)",
            "Mo., 02.11.2026 um 9:30 Uhr",
            "02.11.2026 9.30 Uhr",
            "lundi 2 novembre 2026 à 9h30",
            "46328.375",
            "2026-Nov-02",
            "02/Nov/2026",
            "02NOV26",
        )
        filed = await self.filed(await check(self.browser, lines(*dated(*same_day))))
        self.assertEqual(
            {day: one["spent_on"] for day, one in zip(same_day, filed, strict=True)},
            dict.fromkeys(same_day, "2026-11-02"),
        )

    async def test_a_date_with_a_time_settles_the_order(self) -> None:
        for settling, expected in (
            ("13/02/2026 09:00", "Feb 11, 2026"),
            ("13/02/2026, 9:00:00 PM", "Feb 11, 2026"),
            ("Fri 13/02/2026", "Feb 11, 2026"),
            ("02/13/2026 9:00 a.m.", "Nov 2, 2026"),
            ("2/13/2026 下午3:05", "Nov 2, 2026"),
        ):
            page = await check(self.browser, lines(*dated("11/02/2026 10:30", settling)))
            self.assertEqual(problems(page), [], settling)
            self.assertIn(expected, page.text, settling)

    async def test_dates_that_contradict_each_other_are_never_chosen_between(self) -> None:
        rows = dated("13/02/2026", "02/14/2026 09:00", "11/02/2026", "2026-02-11")
        async with self.nothing_changes():
            page = await check(self.browser, lines(*rows))
        self.assertIn("What comes first in dates", page.text)
        self.assertEqual(
            {row: sentence for row, _, sentence, _ in problems(page)},
            {
                "2": "“13/02/2026” has the day first, other rows the month. Write 2026-02-13.",
                "3": "“02/14/2026 09:00” has the month first, other rows the day."
                " Write 2026-02-14.",
                "4": "“11/02/2026” could mean two dates. Write the year first, as in 2026-11-02.",
            },
        )
        page = await check_again(self.browser, page, order="month")
        self.assertEqual([row for row, *_ in problems(page)], ["2"])
        page = await check_again(self.browser, page, order="month", **{"cell-2-0": "2026-02-13"})
        self.assertEqual(problems(page), [])
        self.assertIn("File 4 tickets", page.text)

    async def test_what_could_mean_several_dates_is_asked_about(self) -> None:
        said = await self.said(*dated("26/11/02", "29-Jun-98", "Mon 11/02/2026", "11/02/26 9:00"))
        sentences = [said[str(row), "spent_on"] for row in range(2, 6)]
        for sentence in sentences[:2]:
            self.assertIn("Write the year with four digits", sentence)
        for sentence in sentences[2:]:
            self.assertIn("could mean two dates", sentence)

    async def test_what_is_no_date_is_said_to_be_none(self) -> None:
        said = await self.said(
            *dated("2026-11-02 at the hotel", "Monday", "9:00", "2026-11-31 9:00", "0000-01-01")
        )
        for row in (2, 3, 4, 6):
            self.assertIn("is not a date. Write", said[str(row), "spent_on"])
        self.assertIn("that month has 30 days", said["5", "spent_on"])


class Categories(ReadingTestCase):
    async def test_labels_of_other_programs_by_their_words(self) -> None:
        labels = {
            "travel": "Taxi|Taxi/Uber|Train ticket|Public transport|Travel - Air|Airfare|Car Rental"
            "|Personal Car Mileage|Tolls/Road Charges|Parking & Tolls|Fuel and Gas"
            "|Taxi and Rideshare|Travel: Other|Flights|Reisekosten|Fahrtkosten|Parkgebühren"
            "|交通费|差旅费|市内交通费|打车费|其他交通费|机票款|差旅费-交通|过路过桥费",
            "lodging": "Hotel|Hotels|Hotel Tax|Lodging|Übernachtungskosten|住宿费|酒店住宿|房费",
            "meals": "Meals & Entertainment|Meals and Entertainment|Individual Meal(s)"
            "|Dinner|Business Meals (Attendees)|Restaurants|Bewirtungskosten"
            "|Entertainment - Clients|餐饮费|业务招待费|工作餐|餐费",
            "equipment": "Office Supplies|Computer - Hardware|Home Office|Bürobedarf|Electronics"
            "|办公费|办公用品费|设备采购|电脑耗材",
            "software": "Software & Subscriptions|SaaS / Software|Subscriptions|Cloud hosting"
            "|Software/Lizenzen|软件费|软件订阅费",
            "training": "Training|Online courses|Seminar/Course fees|Conferences|Books"
            "|Fortbildungskosten|培训费|会议费|图书教材",
            "other": "Other|Misc.|Miscellaneous|Other expenses|General|其他|其他费用|杂费",
        }
        known = [(category, one) for category in labels for one in labels[category].split("|")]
        rows = [f'2026-11-02,{n},EUR,"{label}",Thing,' for n, (_, label) in enumerate(known, 1)]
        filed = await self.filed(await check(self.browser, lines(*rows)))
        self.assertEqual(
            [(one["category"], label) for one, (_, label) in zip(filed, known, strict=True)], known
        )

    async def test_words_that_disagree_and_unknown_ones_are_asked_about(self) -> None:
        labels = (
            *("Travel meals", "Conference travel", "Computer software", "Office/Software"),
            *("Gifts", "Phone", "Bank fees", "Passport/Visa", "Other gifts", "General Merchandise"),
            *("差旅餐费", "办公软件", "通讯费", "礼品费", "团建", "费用", "Expenses", "1000", "&"),
        )
        rows = [f"2026-11-02,1,EUR,{label},Thing," for label in labels]
        page = await check(self.browser, lines(*rows))
        unknown = re.findall(r'name="unknown" value="([^"]*)"', page.text)
        self.assertEqual([html.unescape(label) for label in unknown], list(labels))


def left_out(page: httpx.Response) -> list[str]:
    """What the check says of rows that are no tickets."""
    return [
        html.unescape(one) for one in re.findall(r'<li class="ms-3">([^<]*left out\.)', page.text)
    ]


class RowsLeftOut(ReadingTestCase):
    async def left_out(self, *rows: str) -> list[str]:
        """Check rows that are no tickets, below two of 10.00 and 20.00 EUR."""
        tickets = ("2026-11-02,10,EUR,meals,Lunch,", "2026-11-03,20,EUR,travel,Taxi,")
        page = await check(self.browser, lines(*tickets, *rows))
        self.assertEqual(problems(page), [], rows)
        self.assertIn("File 2 tickets", page.text, rows)
        return left_out(page)

    async def test_totals_in_many_words(self) -> None:
        for row in (
            "Total,30,EUR,,,",
            "Total EUR,30,,,,",
            ",Total: 30,,,,",
            ",30,,,TOTAL (2 items),",
            ",,,,,Total expenses: 30 EUR",
            "本月合计,30,,,,",
            "合计：,30,,,,",
            "合计: 大写,叁拾元整,,,,",
            "總計,30,,,,",
            ",30,,,Sum of expenses,",
            "Grand total,30,EUR,,,",
            "Sub-total,30,EUR,,,",
            "Zwischensumme,30,,,,",
            "Gesamtbetrag,30,,,,",
            "Total général,30,,,,",
            "2026-11-30,30,EUR,,Total,",
            "Subtotal,10,EUR,meals,,",
            ",30,EUR,,Total of all that was spent in November,",
        ):
            self.assertEqual(await self.left_out(row), ["Row 4 looks like a total: left out."], row)

    async def test_sums_without_a_word(self) -> None:
        for rows in (
            [",30,,,,"],
            [",30.00,EUR,,,"],
            [",€30,,,,"],
            [",,,,,30"],
            [",,,,2,"],
            ["2026-11-04,5,USD,meals,Tea,", ",30,EUR,,,", ",5,USD,,,"],
            [",30,,,,", "2026-11-04,5,EUR,meals,Tea,", ",5,,,,"],
            [",30,,,,", "2026-11-04,5,EUR,meals,Tea,", ",35,,,,"],
        ):
            page = await check(
                self.browser,
                lines("2026-11-02,10,EUR,meals,Lunch,", "2026-11-03,20,EUR,travel,Taxi,", *rows),
            )
            totals = [number for number, row in enumerate(rows, 4) if "2026" not in row]
            self.assertEqual(
                left_out(page),
                [f"Row {number} looks like a total: left out." for number in totals],
                rows,
            )

    async def test_what_stands_below_a_total(self) -> None:
        self.assertEqual(
            await self.left_out(
                "Totals,,,,,",
                "EUR,30,,,,",
                "By category,,,,,",
                ",10,,meals,,",
                ",20,,travel,,",
                "Signature:,,,,,",
            ),
            [
                *(f"Row {number} looks like a total: left out." for number in (4, 5)),
                *(f"Row {number} is below a total: left out." for number in range(6, 10)),
            ],
        )

    async def test_tickets_are_never_taken_for_totals(self) -> None:
        for row in (
            "2026-11-04,50,EUR,travel,Total fuel for the trip,",
            "2026-11-04,30,EUR,travel,Total,",
            "2026-11-04,30,EUR,meals,合计三人午餐,",
            "2026-11-04,30,EUR,meals,Lunch,",
        ):
            page = await check(self.browser, lines("2026-11-02,30,EUR,meals,Dinner,", row))
            self.assertIn("File 2 tickets", page.text, row)
            self.assertEqual(left_out(page), [], row)
        # The brand of a petrol station.
        rows = (
            "date,amount,category,merchant,description",
            "2026-11-04,50,,Total,Diesel",
            ",5,,Total,Oil",
        )
        page = await check(self.browser, "\n".join(rows))
        self.assertEqual({row for row, *_ in problems(page)}, {"2", "3"})

    async def test_what_lacks_something_is_a_problem_and_not_left_out(self) -> None:
        for row, wrong in (
            (",31,,,,", {"spent_on", "category", "description"}),
            (",31,EUR,,,", {"spent_on", "category", "description"}),
            ("2026-11-04,30,EUR,,Total fuel for the trip,", {"category"}),
            (",30,EUR,travel,Total fuel for the trip,", {"spent_on"}),
            (",30,EUR,travel,Taxi,", {"spent_on"}),
            ("2026-11-04,30,EUR,,合计三人午餐,", {"category"}),
            ("Lunch,,,,,", {"spent_on", "amount", "category", "description"}),
        ):
            tickets = ("2026-11-02,10,EUR,meals,Lunch,", "2026-11-03,20,EUR,travel,Taxi,")
            page = await check(self.browser, lines(*tickets, row))
            self.assertEqual({name for _, name, *_ in problems(page)}, wrong, row)
            self.assertEqual(left_out(page), [])
        # In the middle, even the same amount may be a second fare.
        rows = ("2026-11-02,10,EUR,meals,Lunch,", ",10,,,,", "2026-11-03,20,EUR,travel,Taxi,")
        self.assertEqual(
            {row for row, *_ in problems(await check(self.browser, lines(*rows)))}, {"3"}
        )
        rows = ("Total,30,,,,", ",30,EUR,travel,Taxi,", "2026-11-03,20,EUR,travel,Taxi,")
        self.assertEqual(
            {row for row, *_ in problems(await check(self.browser, lines(*rows)))}, {"3"}
        )

    async def test_blank_rows_titles_and_repeated_headings_are_named(self) -> None:
        rows = (
            "Expenses of November",
            "\n;;;;;",
            *lines("2026-11-02,10,EUR,meals,Lunch,").split("\n"),
            ";;;",
            "",
            HEADER,
            "",
            "2026-11-02,10,EUR,meals,Tea,",
            "Total,20",
            "\n",
        )
        page = await check(self.browser, "\n".join(rows))
        self.assertIn("File 2 tickets", page.text)
        named = [
            "Row 1 is above the headings: left out.",
            "Rows 6 to 8 are blank: left out.",
            "Row 9 repeats the headings: left out.",
            "Row 10 is blank: left out.",
            "Row 12 looks like a total: left out.",
        ]
        self.assertEqual(left_out(page), named)
        self.assertIn("7 rows are left out", page.text)
        self.assertEqual(left_out(await check_again(self.browser, page)), named)

    async def test_every_row_that_is_left_out_is_named(self) -> None:
        row = "2026-11-{:02},1,EUR,meals,Lunch {},\nTotal,1,,,,"
        page = await check(
            self.browser, lines(*(row.format(day, day) for day in range(1, 26)), "", "Total,25")
        )
        self.assertEqual(len(left_out(page)), 27)

    async def test_a_row_of_separators_that_are_not_those_of_the_file(self) -> None:
        tea = "2026-11-02,10,EUR,meals,Tea,"
        for blank in (";;;;", "\t\t\t", "|||", " ; ; "):
            page = await check(self.browser, f"{blank}\n{lines(tea)}{blank}\n{tea}")
            self.assertEqual(left_out(page), ["Row 4 is blank: left out."], blank)
            for other in ";\t|":
                page = await check(
                    self.browser, f",,,,\n{blank}\n" + lines(tea).replace(",", other)
                )
                self.assertIn("File 1 ticket", page.text, (blank, other))
                self.assertEqual(left_out(page), [], (blank, other))


class OtherFiles(ReadingTestCase):
    async def test_what_is_no_spreadsheet_is_called_what_it_is(self) -> None:
        binary = bytes(range(1, 256)) * 20
        for kind, content in (
            ("a PDF document", b"%PDF-1.7\n" + binary),
            ("a PNG image", b"\x89PNG\r\n\x1a\n" + binary),
            ("a JPEG image", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + binary),
            ("a HEIC photo", b"\0\0\0\x18ftypheic" + binary),
            ("a photo or a video", b"\0\0\0\x18ftypqt  " + binary),
            ("a program", b"MZ\x90\0\x03\0\0\0" + binary),
            ("a program", b"\x7fELF\x02\x01\x01\0" + binary),
            ("an archive", b"\x1f\x8b\x08\0" + binary),
            ("an archive", archive({"receipt.pdf": b"%PDF-"})),
            ("a text document", archive({"word/document.xml": b"<w/>"})),
            ("a presentation", archive({"ppt/presentation.xml": b"<p/>"})),
            (
                "a text document",
                archive({"mimetype": b"application/vnd.oasis.opendocument.text"}),
            ),
            ("Numbers", archive({"Index/Document.iwa": binary, "Data/a.jpg": binary})),
            ("a text document", b"\xd0\xcf\x11\xe0" + "WordDocument".encode("utf-16-le")),
            ("a text document", b"{\\rtf1\\ansi " + binary),
            ("a web page", b"\xef\xbb\xbf \n<!DOCTYPE html><table><tr><td>Date</td></tr>"),
            ("an XML file", b'<?xml version="1.0"?><Workbook/>'),
            ("a JSON file", b'[ {"date": "2026-11-02"}]'),
            ("not a table of text", binary),
            ("not a table of text", b"\x01\x02" + "日期,金额\n".encode("gb18030") * 20),
            ("not a table of text", lines("2026-11-02,1,,meals,Tea,").encode() + b"\0"),
        ):
            async with self.nothing_changes():
                page = await check(self.browser, content)
            self.assertEqual(page.status_code, 422)
            self.assertIn(kind, file_problem(page), content[:30])

    async def test_what_only_begins_like_something_else_is_read(self) -> None:
        for first in ("MZ", "PK", "Rar", "{x", "<b>", "RIFF", "II", "BZh"):
            content = f"{first},{lines('1,2026-11-02,1,EUR,meals,Tea,')}"
            page = await check(self.browser, content)
            self.assertIn("File 1 ticket", page.text, first)

    async def test_a_stray_control_character_is_a_mistake_in_its_cell(self) -> None:
        said = await self.said("2026-11-02,1,EUR,meals,Te\x02a,")
        self.assertEqual(said, {("2", "description"): "Control characters are not allowed."})
        page = await check(self.browser, lines("2026-11-02,1,EUR,meals,Tea,") + "\x1a")
        self.assertIn("File 1 ticket", page.text)


class Workbooks(ReadingTestCase):
    async def test_old_excel_files(self) -> None:
        book = xlwt.Workbook()
        sheet = book.add_sheet("支出")
        for column, heading in enumerate(("日期", "金额", "类别", "说明")):
            sheet.write(2, column + 1, heading)
        for column, value in enumerate((12.5, "餐饮", "午餐")):
            sheet.write(3, column + 2, value)
        sheet.write(3, 1, date(2026, 11, 2), xlwt.easyxf(num_format_str="YYYY-MM-DD"))
        content = BytesIO()
        book.save(content)
        [lunch] = await self.filed(await check(self.browser, content.getvalue()))
        self.assertEqual(
            [lunch[name] for name in ("spent_on", "amount", "category", "description")],
            ["2026-11-02", "12.50", "meals", "午餐"],
        )

    async def test_open_documents(self) -> None:
        content = open_document(
            ods_row(*(ods_text(name) for name in HEADER.split(","))),
            '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>',
            ods_row(
                '<table:table-cell office:value-type="date"'
                ' office:date-value="2026-11-02T09:30:00"><text:p>02.11.26</text:p>'
                "</table:table-cell>",
                '<table:table-cell office:value-type="currency" office:currency="EUR"'
                ' office:value="12.5"><text:p>12,50 €</text:p></table:table-cell>',
                *(ods_text(text) for text in ("EUR", "meals", "Lunch")),
            ),
            '<table:table-row table:number-rows-repeated="1048571">'
            '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>',
        )
        page = await check(self.browser, content)
        self.assertIn("Row 4", page.text)
        [lunch] = await self.filed(page)
        self.assertEqual([lunch["spent_on"], lunch["amount"]], ["2026-11-02", "12.50"])

    async def test_formulas_numbers_titles_and_hidden_columns(self) -> None:
        content = BytesIO()
        book = xlsxwriter.Workbook(content)
        sheet = book.add_worksheet()
        sheet.merge_range("A1:F1", "Expenses of November")
        sheet.write_row("A3", ["Nr", *HEADER.split(",")])
        sheet.set_column("A:A", None, None, {"hidden": True})
        sheet.set_column("D:D", None, None, {"hidden": True})
        sheet.write_row("A4", [1, "", "", "EUR", "meals"])
        day = book.add_format({"num_format": 'yyyy"年"m"月"d"日"'})
        sheet.write_datetime("B4", datetime(2026, 11, 2), day)  # noqa: DTZ001
        sheet.write_formula("C4", "=3*19.99", None, 3 * 19.99)
        sheet.write_formula("F4", '="Lunch"', None, "Lunch")
        book.close()
        page = await check(self.browser, content.getvalue())
        self.assertIn("Row 1 is above the headings: left out.", page.text)
        [lunch] = await self.filed(page)
        self.assertEqual(
            [lunch[name] for name in ("spent_on", "amount", "currency", "description")],
            ["2026-11-02", "59.97", "EUR", "Lunch"],
        )

    async def test_cells_with_errors_are_problems_not_empty(self) -> None:
        content = BytesIO()
        book = xlsxwriter.Workbook(content)
        sheet = book.add_worksheet()
        sheet.write_row("A1", HEADER.split(","))
        sheet.write_row("A2", ["2026-11-02", "", "", "meals", "Lunch"])
        sheet.write_formula("B2", "=Z1", None, "#REF!")
        sheet.write_formula("C2", "=VLOOKUP(A1,Z:Z,1)", None, "#N/A")
        book.close()
        error = (
            '<table:table-cell table:formula="of:=#N/A" office:value-type="string"'
            ' office:string-value="" calcext:value-type="error"><text:p>#N/A</text:p>'
            "</table:table-cell>"
        )
        row = ods_row(ods_text("2026-11-02"), error, error, ods_text("meals"), ods_text("Lunch"))
        for file in (
            content.getvalue(),
            open_document(ods_row(*(ods_text(name) for name in HEADER.split(","))), row),
            lines("2026-11-02,#N/A,#REF!,meals,Lunch,"),
        ):
            async with self.nothing_changes():
                page = await check(self.browser, file)
            self.assertEqual(
                {(row, name) for row, name, *_ in problems(page)},
                {("2", "amount"), ("2", "currency")},
            )
        said = await self.said("2026-11-02,1,EUR,meals,#NAME?,#BEZUG!")
        self.assertEqual(set(said), {("2", "description"), ("2", "links")})
        self.assertIn("The formula in this cell has an error", said["2", "description"])

    async def test_the_sheet_with_our_columns_is_read(self) -> None:
        book = openpyxl.Workbook()
        book.worksheets[0].title = "Empty"
        cover = book.create_sheet("Cover")
        cover.append(["Name", "Robin", "Date", "2026-11-30"])
        for name, state in (("Old", "hidden"), ("November", "visible"), ("Archive", "visible")):
            sheet = book.create_sheet(name)
            sheet.sheet_state = state
            sheet.append(HEADER.split(","))
            sheet.append(["2026-11-02", 1, "EUR", "meals", name])
        huge = book.create_sheet("Raw data")
        for number in range(MAX_ROWS + 1_000):
            huge.append([number])
        content = BytesIO()
        book.save(content)
        [ticket] = await self.filed(await check(self.browser, content.getvalue()))
        self.assertEqual(ticket["description"], "November")

    async def test_protected_and_damaged_ones_have_their_sentence(self) -> None:
        plain = workbook([HEADER.split(",")])
        protected = BytesIO()
        OOXMLFile(BytesIO(plain)).encrypt("secret", protected)
        manifest = b'<m:manifest xmlns:m="m"><m:encryption-data/></m:manifest>'
        for sentence, content in (
            ("protected by a password", protected.getvalue()),
            (
                "protected by a password",
                archive({"mimetype": ODS, "META-INF/manifest.xml": manifest, "content.xml": b"?"}),
            ),
            ("damaged", plain[:-100]),
            ("damaged", plain[: len(plain) // 2]),
            ("damaged", plain[:2000] + bytes(500) + plain[2500:]),
            ("damaged", archive({"mimetype": ODS, "content.xml": b"<office:document"})),
            ("damaged", archive({"xl/workbook.xml": b"<workbook/>"})),
            ("is empty", workbook([])),
        ):
            async with self.nothing_changes():
                page = await check(self.browser, content)
            self.assertEqual(page.status_code, 422)
            self.assertIn(sentence, file_problem(page))


def archive(parts: Mapping[str, bytes]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return content.getvalue()


ODS = b"application/vnd.oasis.opendocument.spreadsheet"
MANIFEST = b"""<?xml version="1.0" encoding="UTF-8"?>
<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
  <m:file-entry m:full-path="content.xml" m:media-type="text/xml"/>
</m:manifest>"""


def open_document(*rows: str) -> bytes:
    oasis = "urn:oasis:names:tc:opendocument:xmlns"
    sheet = f'<table:table table:name="Sheet">{"".join(rows)}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    spaces = " ".join(f'xmlns:{name}="{oasis}:{name}:1.0"' for name in ("office", "table", "text"))
    calcext = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}'
        f' xmlns:calcext="{calcext}">{body}</office:document-content>'
    )
    return archive(
        {"mimetype": ODS, "META-INF/manifest.xml": MANIFEST, "content.xml": content.encode()}
    )


def ods_row(*cells: str) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def ods_text(text: str) -> str:
    return (
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )
