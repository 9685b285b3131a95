"""Own tickets from a file: checked, shown, and filed all together or not at all."""

import asyncio
import html
import re
from datetime import date, timedelta

import httpx
from sqlalchemy import text

from expenses.tickets.imports import MAX_ROWS
from tests.harness import AppTestCase, CommittingTestCase, make_settings

HEADER = "date,amount,currency,category,description,links"
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


def problems(page: httpx.Response) -> list[tuple[str, ...]]:
    """Row, column, sentence and what stands there, of each problem in the table."""
    rows = re.findall(r"<tr>\s*<td(.*?)</tr>", page.text, re.DOTALL)
    return [
        tuple(html.unescape(cell) for cell in re.findall(r">([^<]*)</td>", row)) for row in rows
    ]


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

    async def test_every_problem_is_said_with_its_row_and_nothing_is_filed(self) -> None:
        later = make_settings().today() + timedelta(days=2)
        async with self.nothing_changes():
            page = await check(
                self.browser,
                lines(
                    LUNCH,
                    "23/11/2026,a lot,XYZ,food,,ftp://example.com https://example.com",
                    "",
                    "2026-02-30,0,,meals,x,",
                    f"{later},1,,meals,x,",
                    f'2026-11-20,1,,meals,{"x" * 501},"javascript:alert(1)"',
                    "2026-11-20,1,,meals,x,,more",
                    "2026-11-20,1",
                ),
            )
        self.assertEqual(page.status_code, 422)
        self.assertEqual(
            [(row, column, found) for row, column, _, found in problems(page)],
            [
                ("Row 3", "date", "23/11/2026"),
                ("Row 3", "amount", "a lot"),
                ("Row 3", "currency", "XYZ"),
                ("Row 3", "category", "food"),
                ("Row 3", "description", ""),
                ("Row 3", "links", "ftp://example.com https://example.com"),
                ("Row 5", "date", "2026-02-30"),
                ("Row 5", "amount", "0"),
                ("Row 6", "date", str(later)),
                ("Row 7", "description", "x" * 59 + "…"),
                ("Row 7", "links", "javascript:alert(1)"),
                ("Row 8", "", ""),
                ("Row 9", "category", ""),
                ("Row 9", "description", ""),
            ],
        )
        self.assertEqual(problems(page)[0][2], "Use a date such as 2026-11-23.")
        self.assertNotIn("<textarea", page.text)

    async def test_a_long_list_of_problems_is_cut(self) -> None:
        page = await check(self.browser, lines(*["x"] * 300))
        self.assertEqual(len(problems(page)), 200)
        self.assertIn("And 1000 more.", page.text)

    async def test_what_spreadsheets_and_people_write_is_read(self) -> None:
        rows = (
            'Links;DESCRIPTION;Category;"amount";Day;Shop;',
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
            self.assertIn("ignored: Shop.", preview.text)
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

    async def test_our_own_export_can_be_read(self) -> None:
        await self.new_ticket(self.ada, description="=1+1\n@home", links=[])
        exported = (await self.browser.get("/tickets/export.csv")).content
        table = exported.partition(b"\r\n\r\n")[0]
        preview = await check(self.browser, table)
        self.assertEqual(preview.status_code, 200)
        self.assertIn("All of these tickets have been filed already.", preview.text)

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
        umlaut = lines(LUNCH.replace("Lunch", "Brötchen 午饭"))
        for content, sentence in (
            (b"", "Choose a file"),
            (b"PK\x03\x04" + b"\0" * 100, "This is a workbook"),
            (b"\xd0\xcf\x11\xe0" + b"\0" * 100, "This is a workbook"),
            (umlaut.replace("午饭", "").encode("cp1252"), "not in UTF-8"),
            (umlaut.encode("gb18030"), "not in UTF-8"),
            (umlaut.encode("utf-16") + b"x", "not in UTF-8"),
            (lines(LUNCH).encode("utf-16-le"), "not a text file"),
            (lines(LUNCH + "\0").encode(), "not a text file"),
            (b"\n\n \n", "Missing: date, amount, category, description"),
            (b"date,amount\n2026-11-20,1\n", "Missing: category, description"),
            (f"{HEADER},Day\n{LUNCH}".encode(), "twice: date"),
            (b"day," * 100_000 + b"\n", "more than 50 columns"),
            (
                lines(LUNCH, f"{LUNCH}{'x' * 200_000}").encode(),
                "Row 3 has a cell that is far too long",
            ),
            (lines(LUNCH, '2026-11-20,1,,meals,"x" y,').encode(), "Row 3 cannot be read"),
            (lines(LUNCH, '2026-11-20,1,,meals,"x,').encode(), "Row 3 cannot be read"),
            (lines(*[LUNCH] * (MAX_ROWS + 1)).encode(), "at most 1,000 at once"),
            (("x" * 4_000_000).encode("utf-8") + b"\n" * 600_000, "limit is 5 MB"),
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
