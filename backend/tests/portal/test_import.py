"""Own tickets from a file: checked, shown, and filed all together or not at all."""

import asyncio
import html
import re
import zipfile
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx
import openpyxl
from sqlalchemy import text

from expenses.tickets.imports import MAX_ROWS
from expenses.tickets.spreadsheets.links import split_links
from tests.harness import AppTestCase, CommittingTestCase, usual_settings

HEADER = "date,amount,currency,category,description,links"
# As spreadsheet programs store it: without a time zone.
MORNING = datetime(2026, 11, 3, 9, 30)  # noqa: DTZ001
LUNCH = "2026-11-20,12.50,EUR,meals,Lunch,https://receipts.example.com/1"
TRAIN = "2026-11-19,99.00,,travel,Train,"


async def check(browser: httpx.AsyncClient, content: str | bytes) -> httpx.Response:
    data = content.encode() if isinstance(content, str) else content
    return await browser.post("/tickets/import", files={"file": ("tickets.csv", data)})


async def save(
    browser: httpx.AsyncClient, preview: httpx.Response, wanted: tuple[int, ...] = ()
) -> httpx.Response:
    """As a browser sends the form: its text with the line breaks of the web."""
    key = re.search(r'name="key" value="([^"]+)"', preview.text)
    rows = re.search(r'<textarea name="text" hidden>\n(.*?)</textarea>', preview.text, re.DOTALL)
    assert key is not None, preview.text
    assert rows is not None, preview.text
    fields: list[tuple[str, tuple[None, str]]] = [
        ("key", (None, key[1])),
        ("text", (None, html.unescape(rows[1]).replace("\n", "\r\n"))),
        *(("wanted", (None, str(row))) for row in wanted),
    ]
    return await browser.post("/tickets/import/save", files=fields)


def problems(page: httpx.Response) -> list[tuple[str, str, str, str]]:
    """Row, field, sentence and the cell's text, of each problem in the table."""
    found = []
    said = r'id="cell-(\d+)-(\d+)-problem" data-field="(\w+)">([^<]*)<'
    for row, column, name, sentence in re.findall(said, page.text):
        [cell] = re.findall(rf'id="cell-{row}-{column}" name="[^"]*" value="([^"]*)"', page.text)
        found.append((row, name, html.unescape(sentence), html.unescape(cell)))
    return found


def typed_cells(page: httpx.Response) -> dict[str, str]:
    """The fields of the rows that are open."""
    fields = re.findall(r'name="(cell-\d+-\d+)" value="([^"]*)"', page.text)
    fields += re.findall(
        r'name="(cell-\d+-\d+)" rows[^>]*>\n(.*?)</textarea>', page.text, re.DOTALL
    )
    return {name: html.unescape(value) for name, value in fields}


def hidden_fields(page: httpx.Response) -> list[tuple[str, str]]:
    """What the form of the check sends along: what is hidden in it, and what is ticked."""
    fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    fields += re.findall(r'type="checkbox" name="(\w+)" value="([^"]*)" checked', page.text)
    areas = re.findall(r'<textarea name="(\w+)" hidden>\n?(.*?)</textarea>', page.text, re.DOTALL)
    return [(name, html.unescape(value)) for name, value in [*fields, *areas]]


async def check_again(
    browser: httpx.AsyncClient, page: httpx.Response, **answers: str | list[str]
) -> httpx.Response:
    return await send("", browser, page, **answers)


async def send(
    step: str, browser: httpx.AsyncClient, page: httpx.Response, **answers: str | list[str]
) -> httpx.Response:
    """Press a button of the check. An answer replaces what the page sends along, but for lists."""
    fields = [(name, value) for name, value in hidden_fields(page) if name not in answers]
    for name, values in answers.items():
        fields += [(name, value) for value in ([values] if isinstance(values, str) else values)]
    return await browser.post(
        f"/tickets/import{step}", files=[(name, (None, value)) for name, value in fields]
    )


def file_problem(page: httpx.Response) -> str:
    found = re.search(r'id="file-problem">([^<]+)<', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def lines(*rows: str) -> str:
    return "\n".join((HEADER, *rows)) + "\n"


class Import(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee()
        self.browser = await self.browser_of(self.ada)

    async def test_every_row_becomes_a_ticket_with_its_event(self) -> None:
        async with self.nothing_changes():
            preview = await check(self.browser, lines(LUNCH, TRAIN))
        self.assertEqual(preview.status_code, 200)
        self.assertIn("File 2 tickets", preview.text)
        self.assertIn("€12.50", preview.text)
        answer = await save(self.browser, preview)
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/tickets"))
        events = await self.events("ticket.created")
        self.assertEqual([event.actor_id for event in events], [self.ada.id] * 2)
        lunch, train = [
            await self.ticket(event.ticket_id or 0, seen_by=self.ada) for event in events
        ]
        self.assertEqual(
            (lunch.spent_on, str(lunch.amount), lunch.currency, lunch.category, lunch.links),
            (date(2026, 11, 20), "12.50", "EUR", "meals", ["https://receipts.example.com/1"]),
        )
        self.assertEqual((train.currency, train.description, train.links), ("USD", "Train", []))
        self.assertIn("2 tickets are filed", (await self.browser.get("/tickets")).text)

    async def test_the_template_is_a_file_that_can_be_filled_in(self) -> None:
        answer = await self.browser.get("/tickets/import/template.csv")
        self.assertIn("attachment", answer.headers["content-disposition"])
        self.assertEqual(answer.content[:3], b"\xef\xbb\xbf")
        preview = await check(self.browser, answer.content + LUNCH.encode())
        self.assertIn("File 1 ticket<", preview.text)
        empty = await check(self.browser, answer.content)
        self.assertEqual(file_problem(empty)[:21], "This file has column ")

    async def test_every_problem_is_said_at_its_cell_and_nothing_is_filed(self) -> None:
        later = usual_settings().today() + timedelta(days=2)
        async with self.nothing_changes():
            page = await check(
                self.browser,
                lines(
                    LUNCH,
                    "the 23rd,a lot,XYZ,pets,,ftp://example.com https://example.com",
                    "",
                    "2026-02-29,0,,meals,x,",
                    f"{later},1,,meals,x,",
                    f'2026-11-20,1,,meals,{"x" * 501},"javascript:alert(1)"',
                    "2026-11-20,1",
                ),
            )
        self.assertEqual(page.status_code, 422)
        self.assertEqual(
            {(row, name) for row, name, _, _ in problems(page)},
            {
                *(("3", name) for name in ("spent_on", "amount", "currency", "category")),
                *(("3", name) for name in ("description", "links")),
                *(("5", "spent_on"), ("5", "amount"), ("6", "spent_on")),
                *(("7", "description"), ("7", "links"), ("8", "category"), ("8", "description")),
            },
        )
        said = {(row, name): (sentence, cell) for row, name, sentence, cell in problems(page)}
        self.assertEqual(
            said["5", "spent_on"],
            ("“2026-02-29” is not a date: that month has 28 days.", "2026-02-29"),
        )
        self.assertIn("“a lot” is not an amount", said["3", "amount"][0])
        self.assertIn("is in the future", said["6", "spent_on"][0])
        self.assertEqual(said["7", "description"][0], "Use at most 500 characters.")
        self.assertNotIn("File 1 ticket", page.text)

    async def test_what_is_wrong_is_corrected_on_the_page(self) -> None:
        page = await check(self.browser, lines(LUNCH, "soon,x,EUR,meals,Dinner,"))
        page = await check_again(self.browser, page, **{"cell-3-0": "2026-11-20", "cell-3-1": "x2"})
        self.assertEqual([name for _, name, _, _ in problems(page)], ["amount"])
        page = await check_again(self.browser, page, **{"cell-3-1": "20"})
        self.assertIn("File 2 tickets", page.text)
        await save(self.browser, page)
        dinner = (await self.events("ticket.created"))[-1]
        self.assertEqual(
            [dinner.details[name] for name in ("spent_on", "amount", "description")],
            ["2026-11-20", "20.00", "Dinner"],
        )

    async def test_what_is_right_is_corrected_too(self) -> None:
        page = await check(self.browser, lines(LUNCH, TRAIN))
        self.assertNotIn('name="cell-', page.text)
        page = await check_again(self.browser, page, edit="3")
        self.assertIn('name="cell-3-4" value="Train"', page.text)
        self.assertNotIn('name="cell-2-', page.text)
        page = await check_again(self.browser, page, edit="2", **{"cell-3-4": "Night train"})
        self.assertIn('name="cell-2-4" value="Lunch"', page.text)
        await send("/save", self.browser, page, **{"cell-2-1": "13"})
        events = await self.events("ticket.created")
        self.assertEqual(
            [(event.details["amount"], event.details["description"]) for event in events],
            [("13.00", "Lunch"), ("99.00", "Night train")],
        )

    async def test_lines_in_a_cell_stay_lines_when_the_row_is_opened(self) -> None:
        links = "https://example.com/1\nhttps://example.com/2"
        page = await check(self.browser, lines(f'2026-11-20,x,EUR,meals,"a\n\nb","{links}"'))
        opened = typed_cells(page)
        self.assertEqual((opened["cell-2-4"], opened["cell-2-5"]), ("a\n\nb", links))
        # As browsers send the lines of a text field.
        sent = {name: cell.replace("\n", "\r\n") for name, cell in opened.items()}
        await send("/save", self.browser, page, **sent | {"cell-2-1": "5"})
        [event] = await self.events("ticket.created")
        self.assertEqual(event.details["description"], "a\n\nb")
        self.assertEqual(event.details["links"], links.split())

    async def test_a_row_that_is_emptied_is_left_out(self) -> None:
        page = await check(self.browser, lines(LUNCH, "x", TRAIN))
        page = await check_again(self.browser, page, **{"cell-3-0": ""})
        self.assertIn("Row 3 is blank: left out.", page.text)
        self.assertIn("File 2 tickets", page.text)

    async def test_a_column_that_is_two_fields_is_corrected_once(self) -> None:
        page = await check(self.browser, "date,amount,type\n2026-11-01,x,Taxi\n")
        answers = {"columns": "1", "column-spent_on": "0", "column-amount": "1"}
        answers |= {"column-category": "2", "column-description": "2"}
        page = await check_again(self.browser, page, **answers)
        self.assertEqual(page.text.count('name="cell-2-2"'), 1)
        page = await check_again(self.browser, page, **answers, **{"cell-2-1": "5"})
        self.assertIn("File 1 ticket<", page.text)
        page = await check_again(self.browser, page, **answers, **{"cell-2-2": "Zug"})
        problem = [(name, cell) for _, name, _, cell in problems(page)]
        self.assertEqual(problem, [("category", "Zug")])

    async def test_a_row_to_file_again_stays_ticked_while_it_is_open(self) -> None:
        content = lines(LUNCH, TRAIN)
        await save(self.browser, await check(self.browser, content))
        page = await check(self.browser, content)
        page = await check_again(self.browser, page, wanted="2", edit="2")
        page = await check_again(self.browser, page)
        self.assertRegex(page.text, r'name="wanted" value="2" checked')

    async def test_a_row_is_left_out_and_taken_back(self) -> None:
        page = await check(self.browser, lines(LUNCH, "x", TRAIN))
        page = await check_again(self.browser, page, unwanted="3")
        self.assertIn("You left out row 3.", page.text)
        self.assertIn("File 2 tickets", page.text)
        page = await check_again(self.browser, page, unwanted=["3", "4"])
        self.assertIn("File 1 ticket<", page.text)
        page = await check_again(self.browser, page, **{"take-back": "4"})
        self.assertNotIn("You left out row 4.", page.text)
        await send("/save", self.browser, page)
        events = await self.events("ticket.created")
        self.assertEqual([event.details["description"] for event in events], ["Lunch", "Train"])

    async def test_a_long_table_has_pages_and_forgets_nothing_between_them(self) -> None:
        await save(self.browser, await check(self.browser, lines(LUNCH)))
        rows = [f"2026-11-01,{number},EUR,meals,Lunch {number}," for number in range(1, 250)]
        page = await check(self.browser, lines(*rows, "x,1,EUR,meals,Last,", LUNCH))
        self.assertIn("Rows 1 to 100 of 251", page.text)
        # What is wrong comes first.
        self.assertEqual({row for row, *_ in problems(page)}, {"251"})
        page = await check_again(self.browser, page, go="2", **{"cell-251-0": "2026-11-02"})
        self.assertIn("Rows 101 to 200 of 251", page.text)
        self.assertIn("File the new and the ticked ones", page.text)
        page = await check_again(self.browser, page, go="3", wanted="252")
        self.assertRegex(page.text, r'name="wanted" value="252" checked')
        page = await check_again(self.browser, page, go="1")
        await send("/save", self.browser, page)
        events = await self.events("ticket.created")
        self.assertEqual(len(events), 252)
        self.assertEqual(events[-2].details["spent_on"], "2026-11-02")

    async def test_a_correction_stays_in_its_column_whatever_that_is_called(self) -> None:
        page = await check(
            self.browser, "date,amount,net,category,description\n2026-11-01,x,9,meals,Tea\n"
        )
        answers = {
            f"column-{name}": str(column)
            for column, name in enumerate(("spent_on", "", "amount", "category", "description"))
            if name
        }
        page = await check_again(self.browser, page, columns="1", **answers, **{"cell-2-1": "5"})
        self.assertIn("$9.00", page.text)
        answers["column-amount"] = "1"
        page = await check_again(self.browser, page, columns="1", **answers)
        self.assertIn("$5.00", page.text)

    async def test_what_spreadsheets_and_people_write_is_read(self) -> None:
        rows = (
            'Links;DESCRIPTION;Category;"amount";Day;Nonsense;',
            "https://example.com/1  https://example.com/2;'=1+1;Meals;1 200,50;2026/1/3;x;",
            '"https://example.com/1\nhttps://example.com/2";"\'tis; ""so""";MEALS;7;2026-01-03;;;',
        )
        for content in (
            "\n".join(rows),
            "\ufeff" + "\r\n".join(rows),
            "\r".join(rows),
            "\n".join(rows).encode("utf-16"),
        ):
            preview = await check(self.browser, content)
            self.assertEqual(preview.status_code, 200, preview.text)
            self.assertIn("Not used: Nonsense", preview.text)
            before = len(await self.events("ticket.created"))
            await save(self.browser, preview, (2, 3))
            first, second = [
                await self.ticket(event.ticket_id or 0, seen_by=self.ada)
                for event in (await self.events("ticket.created"))[before:]
            ]
            self.assertEqual((str(first.amount), first.description), ("1200.50", "=1+1"))
            self.assertEqual((first.spent_on, first.category), (date(2026, 1, 3), "meals"))
            for ticket in (first, second):
                self.assertEqual(ticket.links, ["https://example.com/1", "https://example.com/2"])
            self.assertEqual(second.description, '\'tis; "so"')

    async def test_our_own_exports_come_back_unchanged(self) -> None:
        await self.new_ticket(self.ada, description="=1+1\n@home", links=[])
        await self.new_ticket(
            self.ada, amount="2500", currency="JPY", category="software", merchant="Litware"
        )
        boss = await self.browser_of(await self.new_employer())
        for language in ("en", "zh_Hans_CN"):
            await self.browser.post("/language", data={"language": language})
            for content in (
                (await self.browser.get("/tickets/export.csv")).content,
                (await boss.get("/admin/ticket/export/xlsx?status=all")).content,
            ):
                preview = await check(self.browser, content)
                self.assertEqual(preview.status_code, 200, preview.text)
                self.assertEqual(preview.text.count('name="wanted"'), 2)
                async with self.nothing_changes():
                    await save(self.browser, preview)

    async def test_the_same_file_again_files_only_what_is_ticked(self) -> None:
        content = lines(LUNCH, LUNCH, TRAIN)
        await save(self.browser, await check(self.browser, content))
        self.assertEqual(len(await self.events("ticket.created")), 3)
        preview = await check(self.browser, content)
        self.assertEqual(preview.text.count('name="wanted"'), 3)
        async with self.nothing_changes():
            await save(self.browser, preview)
        self.assertIn("filed already", (await self.browser.get("/tickets")).text)
        preview = await check(self.browser, content)
        await save(self.browser, preview, (4,))
        [*_, event] = await self.events("ticket.created")
        self.assertEqual(len(await self.events("ticket.created")), 4)
        self.assertEqual(event.details["description"], "Train")

    async def test_one_ticket_stands_for_one_row(self) -> None:
        await save(self.browser, await check(self.browser, lines(LUNCH)))
        preview = await check(self.browser, lines(LUNCH, LUNCH))
        self.assertIn("1 ticket is new", preview.text)
        await save(self.browser, preview)
        self.assertEqual(len(await self.events("ticket.created")), 2)

    async def test_only_what_is_equal_in_everything_is_there(self) -> None:
        await save(self.browser, await check(self.browser, lines(LUNCH)))
        ben = await self.browser_of(await self.new_employee())
        preview = await check(ben, lines(LUNCH))
        self.assertNotIn('name="wanted"', preview.text)
        for other in (
            LUNCH.replace("-20,", "-19,"),
            LUNCH.replace("12.50", "12.51"),
            LUNCH.replace("EUR", "USD"),
            LUNCH.replace("meals", "other"),
            LUNCH.replace("Lunch", "lunch"),
            LUNCH.replace("/1", "/2"),
        ):
            preview = await check(self.browser, lines(other))
            self.assertNotIn('name="wanted"', preview.text, other)
        self.assertIn('name="wanted"', (await check(self.browser, lines(LUNCH))).text)

    async def test_a_double_click_and_the_back_button_file_them_once(self) -> None:
        preview = await check(self.browser, lines(LUNCH, LUNCH))
        await save(self.browser, preview)
        await self.browser.get("/tickets")
        async with self.nothing_changes():
            answer = await save(self.browser, preview)
        self.assertEqual(answer.status_code, 303)
        self.assertIn("2 tickets are filed", (await self.browser.get("/tickets")).text)

    async def test_the_second_step_trusts_nothing(self) -> None:
        fields = {"key": (None, "k"), "text": (None, lines(LUNCH, "x"))}
        for sent in (
            fields,
            {"key": fields["key"], "text": (None, "")},
            {"text": (None, lines(LUNCH))},
            {"key": fields["key"], "text": (None, lines(LUNCH) + "\0")},
            {"key": fields["key"], "text": ("text.csv", lines(LUNCH))},
        ):
            async with self.nothing_changes():
                page = await self.browser.post("/tickets/import/save", files=sent)
            self.assertIn(page.status_code, (200, 422))
        odd = {**fields, "text": (None, lines(LUNCH)), "wanted": (None, "9" * 5000)}
        answer = await self.browser.post("/tickets/import/save", files=odd)
        self.assertEqual(answer.status_code, 303)

    async def test_only_employees_import(self) -> None:
        boss = await self.browser_of(await self.new_employer())
        self.assertEqual((await boss.get("/tickets/import")).headers["location"], "/admin/")
        preview = await check(self.browser, lines(LUNCH))
        async with self.nothing_changes():
            for answer in (await check(boss, lines(LUNCH)), await save(boss, preview)):
                self.assertEqual(answer.status_code, 403)
            stranger = await self.client()
            for answer in (await check(stranger, lines(LUNCH)), await save(stranger, preview)):
                self.assertTrue(answer.headers["location"].startswith("/login"))


class Unreadable(AppTestCase):
    async def test_each_has_its_sentence(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        for content, sentence in (
            (b"", "Choose a file"),
            (b"PK\x03\x04" + b"\0" * 100, "damaged"),
            (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "damaged"),
            (workbook([["date"]])[:-200], "damaged"),
            (bomb(), "far too large inside"),
            (lines(LUNCH).encode("utf-16-le"), "not a table of text"),
            (lines(LUNCH + "\0").encode(), "not a table of text"),
            (lines(LUNCH).encode("utf-16") + b"x", "not a table of text"),
            (b"date,amount,category,description\n", "column names but no tickets"),
            (b"day," * 100_000 + b"x\n", "more than 200 columns"),
            (
                lines(LUNCH, f"{LUNCH}{'x' * 200_000}").encode(),
                "Row 3 has a cell that is far too long",
            ),
            (lines(LUNCH, '2026-11-20,1,,meals,"x" y,').encode(), "Row 3 cannot be read"),
            (lines(LUNCH, '2026-11-20,1,,meals,"x,').encode(), "Row 3 cannot be read"),
            (lines(*[LUNCH] * (MAX_ROWS + 1)).encode(), "at most 5,000 at once"),
            (("x" * 10_000_000).encode("utf-8") + b"\n", "limit is 10 MB"),
        ):
            with self.subTest(sentence=sentence, content=content[:40]):
                async with self.nothing_changes():
                    page = await check(browser, content)
                self.assertEqual(page.status_code, 422)
                self.assertIn(sentence, file_problem(page))

    async def test_no_file_and_no_form_are_asked_for_one(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        for page in (
            await browser.post("/tickets/import"),
            await browser.post("/tickets/import", data={"file": "text"}),
            await browser.post("/tickets/import", json=[]),
        ):
            self.assertIn("Choose a file", file_problem(page))


class WhatPeopleBring(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee()
        self.browser = await self.browser_of(self.ada)

    async def filed(self, page: httpx.Response) -> list[dict[str, Any]]:
        """What the events of the filed tickets say."""
        self.assertEqual(page.status_code, 200, page.text)
        before = len(await self.events("ticket.created"))
        answer = await save(self.browser, page)
        self.assertEqual(answer.status_code, 303)
        return [event.details for event in (await self.events("ticket.created"))[before:]]

    async def test_workbooks_by_their_cell_types(self) -> None:
        rows: list[list[Any]] = [
            ["Expenses of November"],
            [],
            ["Date", "Total", "Currency", "Type", "Memo", "Receipt URL"],
            [date(2026, 11, 2), 12.5, "EUR", "Hotel", "=1+1 night", "www.shop.example/a"],
            [MORNING, 1200, "EUR", "Taxi", "To the airport", None],
            [46_000, "7,50", "EUR", "Food", "Lunch", None],
            ["Total", 1220, None, None, None, None],
        ]
        page = await check(self.browser, workbook(rows))
        self.assertIn("Row 1 is above the headings: left out.", page.text)
        self.assertIn("Row 7 looks like a total: left out.", page.text)
        self.assertEqual(
            [
                (one["spent_on"], one["amount"], one["category"], one["links"])
                for one in await self.filed(page)
            ],
            [
                ("2026-11-02", "12.50", "lodging", ["https://www.shop.example/a"]),
                ("2026-11-03", "1200.00", "travel", []),
                ("2025-12-09", "7.50", "meals", []),
            ],
        )

    async def test_encodings_and_another_choice(self) -> None:
        chinese = "日期,金额,币种,类别,用途\n2026年11月1日,12.50,CNY,交通,高铁票\n"
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "gb18030"):
            page = await check(self.browser, chinese.encode(encoding))
            self.assertIn("高铁票", page.text)
            self.assertEqual("GBK" in page.text, encoding == "gb18030")
        western = lines(LUNCH.replace("Lunch", "Café crème für Müller")).encode("cp1252")
        page = await check(self.browser, western)
        self.assertIn("Café crème für Müller", page.text)
        page = await check_again(self.browser, page, encoding="cp1251")
        self.assertNotIn("Café crème für Müller", page.text)
        page = await check_again(self.browser, page, encoding="cp1252")
        # With a character that the file's encoding does not have, there is no way back.
        page = await check_again(self.browser, page, **{"cell-2-4": "Café crème 咖啡"})
        page = await check_again(self.browser, page, encoding="cp1251")
        self.assertIn("The file is not in the encoding", page.text)
        [lunch] = await self.filed(page)
        self.assertEqual(lunch["description"], "Café crème 咖啡")

    async def test_another_encoding_brings_back_every_character(self) -> None:
        # In Windows-1252, half of the last one is a space that joins words.
        description = "午餐聽"
        content = f"date,amount,category,description\n2026-11-01,5,meals,{description}\n"
        data = content.encode("gb18030")
        self.assertTrue(data.endswith(b"\xa0\n"))
        page = await self.browser.post(
            "/tickets/import", files={"file": ("a.csv", data), "encoding": (None, "cp1252")}
        )
        self.assertNotIn(description, page.text)
        page = await check_again(self.browser, page, encoding="gb18030")
        self.assertIn(description, page.text)

    async def test_unknown_columns_are_asked_for_and_remembered(self) -> None:
        content = "When?,Euros,Kind of thing,Blah\n2026-11-02,5,meals,Tea\n"
        page = await check(self.browser, content)
        self.assertIn("Missing:", page.text)
        answers = {"columns": "1", "column-spent_on": "0", "column-amount": "1"}
        answers |= {"column-category": "2", "column-description": "3"}
        page = await check_again(self.browser, page, **answers)
        self.assertIn("File 1 ticket", page.text)
        answer = await send("/save", self.browser, page, **answers)
        self.assertEqual(answer.status_code, 303)
        again = await check(self.browser, content.replace("Tea", "Coffee"))
        self.assertIn("File 1 ticket", again.text)

    async def test_dates_in_an_order_that_nobody_has_said(self) -> None:
        unclear = "11/02/2026,1,EUR,meals,Tea,"
        page = await check(self.browser, lines(unclear))
        self.assertEqual(page.status_code, 422)
        self.assertIn("What comes first in dates", page.text)
        page = await check_again(self.browser, page, order="month")
        await send("/save", self.browser, page, order="month")
        [event] = await self.events("ticket.created")
        self.assertEqual(event.details["spent_on"], "2026-11-02")
        settled = await check(self.browser, lines(unclear, "13/02/2026,1,EUR,meals,Cake,"))
        self.assertEqual(
            [one["spent_on"] for one in await self.filed(settled)], ["2026-02-11", "2026-02-13"]
        )

    async def test_unknown_categories_are_asked_for_once_each(self) -> None:
        page = await check(
            self.browser, lines(*[f"2026-11-0{day},1,EUR,Haustier,Dog {day}," for day in (1, 2)])
        )
        self.assertEqual(page.text.count('name="unknown" value="Haustier"'), 1)
        answers = {"unknown": "Haustier", "meant": "other"}
        page = await check_again(self.browser, page, **answers)
        await send("/save", self.browser, page, **answers)
        events = await self.events("ticket.created")
        self.assertEqual([event.details["category"] for event in events], ["other", "other"])

    async def test_what_separates_is_told_from_what_is_data(self) -> None:
        for content in (
            ";;;;\ndate;amount;currency;category;description\n"
            "2026-11-01;12,50;EUR;travel;Zug, 2. Klasse\n",
            f"date,amount,currency,category,description{',' * 60}\n"
            f"2026-11-01,12.50,EUR,travel,\"Zug, 2. Klasse\"{',' * 60}\n",
            "sep=|\ndate|amount|currency|category|description\n"
            "2026-11-01|12,50|EUR|travel|Zug, 2. Klasse\n",
            "date\tamount\tcurrency\tcategory\tdescription\n"
            "2026-11-01\t12,50\tEUR\ttravel\tZug, 2. Klasse\n\n"
            "date\tamount\tcurrency\tcategory\tdescription\n",
        ):
            page = await check(self.browser, content)
            self.assertIn("Zug, 2. Klasse", page.text, content)
            self.assertIn("€12.50", page.text)

    async def test_links_that_share_a_cell(self) -> None:
        for cell, links in (
            (
                "https://a.example/1,https://a.example/2",
                ["https://a.example/1", "https://a.example/2"],
            ),
            (
                "https://a.example/1; www.a.example/2",
                ["https://a.example/1", "https://www.a.example/2"],
            ),
            (
                "https://a.example/1、https://a.example/2。",
                ["https://a.example/1", "https://a.example/2"],
            ),
            ("<https://a.example/1>", ["https://a.example/1"]),
            ("(https://a.example/x(1)).", ["https://a.example/x(1)"]),
            ("https://a.example/1?x=1,2;3", ["https://a.example/1?x=1,2;3"]),
        ):
            self.assertEqual(split_links(cell), links)

    async def test_amounts_with_what_people_put_around_them(self) -> None:
        page = await check(
            self.browser,
            lines(
                '2026-11-01,"1.355,90€",EUR,travel,Hotel,',
                "2026-11-02,$12.50,USD,meals,Lunch,",
                "2026-11-03,￥1200,CNY,meals,午餐,",
                "2026-11-04,125¹,EUR,meals,Footnote,",
                "2026-11-05,(45.00),EUR,meals,Refund,",
                "2026-11-06,€5,USD,meals,Contradiction,",
            ),
        )
        self.assertEqual([row for row, *_ in problems(page)], ["5", "6", "7"])
        for words in ("“125¹” is not an amount", "money you spent", "does not fit"):
            self.assertIn(words, html.unescape(page.text))

    async def test_a_sign_of_several_currencies_is_never_taken_for_another_one(self) -> None:
        async with self.nothing_changes():
            page = await check(
                self.browser,
                lines("2026-11-01,¥1234.50,,meals,Noodles,", "2026-11-02,12.50元,,meals,Tea,"),
            )
        self.assertEqual([row for row, *_ in problems(page)], ["2", "3"])
        self.assertIn("“¥” could be CNY or JPY", html.unescape(page.text))
        # The company's own currency is dollars, which this sign can mean.
        [event] = await self.filed(await check(self.browser, lines("2026-11-01,$5,,meals,Coffee,")))
        self.assertEqual(event["currency"], "USD")

    async def test_five_thousand_rows(self) -> None:
        rows = [
            f"2026-11-{number % 28 + 1:02},1.50,EUR,meals,Lunch {number},"
            for number in range(MAX_ROWS)
        ]
        page = await check(self.browser, lines(*rows))
        self.assertIn("File 5,000 tickets", page.text)
        self.assertIn("€7,500.00", page.text)


def workbook(rows: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str) and cell.value.startswith("="):
                cell.data_type = "s"
    content = BytesIO()
    book.save(content)
    return content.getvalue()


def bomb() -> bytes:
    """A small workbook that unfolds to 200 MB."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 200_000_000)
    return content.getvalue()


class ImportAtOnce(CommittingTestCase):
    async def test_double_clicks_and_two_windows_file_each_row_once(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        content = lines(LUNCH, LUNCH, TRAIN)
        one, other = await check(browser, content), await check(browser, content)
        answers = await asyncio.gather(*(save(browser, page) for page in (one, one, other, other)))
        self.assertEqual([answer.status_code for answer in answers], [303] * 4)
        self.assertEqual(len(await self.events("ticket.created")), 3)

    async def test_all_or_none(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        preview = await check(browser, lines(LUNCH, TRAIN))
        # The second one is refused by the database itself.
        async with self.database.transaction() as connection:
            await connection.execute(text("ALTER TABLE tickets ADD CHECK (description <> 'Train')"))
        async with self.nothing_changes():
            with self.assertLogs("expenses.web.failures", "ERROR"):
                answer = await save(browser, preview)
        self.assertEqual(answer.status_code, 500)
