"""The list of tickets as a file: what is in it, that nothing in it computes, how it is sent."""

import asyncio
import csv
from datetime import timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import httpx
from openpyxl import Workbook, load_workbook
from sqlalchemy import update

from expenses.errors import TooBusy
from expenses.tickets.lists import TicketPage, list_tickets
from expenses.tickets.models import Ticket
from expenses.web.exports import xlsx_file
from expenses.web.exports.tickets import COLUMNS, TOTALS
from expenses.web.exports.xlsx_file import XlsxFile
from tests.console.test_queue import QueueTestCase
from tests.harness import usual_settings

CSV = "/admin/ticket/export/csv"
XLSX = "/admin/ticket/export/xlsx"
TITLES = [title for title, _ in COLUMNS]

Table = list[list[Any]]


def csv_rows(content: bytes) -> Table:
    assert content.startswith(b"\xef\xbb\xbf"), content[:20]
    return list(csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


def xlsx_rows(content: bytes) -> Table:
    """Of all sheets, without the titles of each."""
    rows: Table = []
    for sheet in load_workbook(BytesIO(content)).worksheets:
        first, *others = ([cell.value for cell in row] for row in sheet.iter_rows())
        assert first == TITLES, first
        rows += others
    return rows


def split(rows: Table) -> tuple[Table, dict[str, tuple[Any, Any]]]:
    """The tickets, and by currency what they come to."""
    filled = [row for row in rows if any(row)]
    [middle] = [number for number, row in enumerate(filled) if tuple(row[:3]) == TOTALS]
    totals = {code: (number, amount) for code, number, amount, *_ in filled[middle + 1 :]}
    return filled[:middle], totals


class ExportTestCase(QueueTestCase):
    async def download(self, path: str, **query: Any) -> bytes:
        answer = await self.browser.get(path, params=query)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.content

    async def as_csv(self, **query: Any) -> tuple[Table, dict[str, tuple[Any, Any]]]:
        rows = csv_rows(await self.download(CSV, **query))
        self.assertEqual(rows.pop(0), TITLES)
        return split(rows)

    async def as_xlsx(self, **query: Any) -> tuple[Table, dict[str, tuple[Any, Any]]]:
        return split(xlsx_rows(await self.download(XLSX, **query)))

    async def exported(self, **query: Any) -> list[int]:
        """The tickets of both files, in their order."""
        rows, _ = await self.as_csv(**query)
        same, _ = await self.as_xlsx(**query)
        self.assertEqual([int(row[0]) for row in rows], [row[0] for row in same])
        return [row[0] for row in same]


class SendingTestCase(ExportTestCase):
    async def hang_up_after(self, path: str, *, messages: int) -> None:
        """As the server tells it. The first message is the head of the answer."""
        received, gone = 0, asyncio.Event()
        if not messages:
            gone.set()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            nonlocal received
            received += 1
            if received >= messages:
                gone.set()
                await asyncio.sleep(0.01)

        token = await self.token_of(self.boss)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"status=all",
            "root_path": "",
            "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        async with asyncio.timeout(5):
            await self.app(scope, receive, send)


class Content(ExportTestCase):
    async def test_the_files_hold_what_the_list_shows(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        pending, approved, denied, withdrawn = await self.one_of_each(ada)
        his = await self.new_ticket(ben, description="Train to Turin", currency="EUR")
        for query, tickets in (
            ({}, [pending, his]),
            ({"status": "approved"}, [approved]),
            ({"status": "all"}, [his, withdrawn, denied, approved, pending]),
            (
                {"status": "all", "sort": "filed", "employee": "Ada", "q": "lunch"},
                [pending, approved, denied, withdrawn],
            ),
            ({"q": "turin", "currency": "EUR"}, [his]),
            ({"category": "lodging"}, []),
        ):
            with self.subTest(query=query):
                self.assertEqual(await self.exported(**query), tickets)

    async def test_every_field_of_a_ticket_is_there(self) -> None:
        ada = await self.new_employee("Zoë 王")
        ticket = await self.new_ticket(
            ada,
            amount="1234567890.10",
            description="Café 报销",
            merchant="Litware",
            links=["https://a.example/1"] * 2,
        )
        await self.deny(ticket, by=self.boss, reason="No receipt")
        self.settings.timezone = ZoneInfo("Asia/Shanghai")
        view = await self.ticket(ticket, seen_by=ada)
        assert view.decided_at is not None
        in_csv, _ = await self.as_csv(status="denied")
        zone = self.settings.timezone
        decided, filed = view.decided_at.astimezone(zone), view.created_at.astimezone(zone)
        links = "https://a.example/1 https://a.example/1"
        self.assertTrue(in_csv[0][TITLES.index("Decided at")].endswith("+08:00"))
        self.assertEqual(
            dict(zip(TITLES, in_csv[0], strict=True)),
            {
                "Ticket": str(ticket),
                "Employee": "Zoë 王",
                "E-mail": ada.email,
                "Date": view.spent_on.isoformat(),
                "Amount": "1234567890.10",
                "Currency": "USD",
                "Category": "meals",
                "Description": "Café 报销",
                "Merchant": "Litware",
                "Links": links,
                "Receipts": "0",
                "Status": "denied",
                "Decided by": "Dana",
                "Decided at": decided.isoformat(timespec="seconds"),
                "Reason": "No receipt",
                "Filed at": filed.isoformat(timespec="seconds"),
                "Paid at": "",
            },
        )
        in_xlsx, _ = await self.as_xlsx(status="denied")
        row = dict(zip(TITLES, in_xlsx[0], strict=True))
        self.assertEqual(row["Date"].date(), view.spent_on)
        self.assertEqual(row["Decided at"], decided.replace(tzinfo=None, microsecond=0))
        self.assertEqual(row["Filed at"], filed.replace(tzinfo=None, microsecond=0))
        self.assertEqual((row["Ticket"], row["Amount"]), (ticket, 1234567890.10))
        self.assertEqual((row["Description"], row["Links"]), ("Café 报销", links))

    async def test_it_says_when_a_ticket_was_paid(self) -> None:
        ticket = await self.new_due_ticket(await self.new_employee(), by=self.boss)
        run = await self.new_run(by=self.boss)
        await self.confirm(run, by=self.boss)
        await self.pay(run, by=self.boss)
        paid_at = (await self.ticket(ticket, seen_by=self.boss)).paid_at
        assert paid_at is not None
        in_xlsx, _ = await self.as_xlsx(status="paid")
        row = dict(zip(TITLES, in_xlsx[0], strict=True))
        self.assertEqual(row["Paid at"], paid_at.replace(tzinfo=None, microsecond=0))

    async def test_totals_are_exact_and_by_currency(self) -> None:
        ada = await self.new_employee()
        for amount, currency in (
            ("0.10", "USD"),
            ("0.20", "USD"),
            ("9999999999.99", "USD"),
            ("7.00", "EUR"),
        ):
            await self.new_ticket(ada, amount=amount, currency=currency)
        with patch("expenses.tickets.counts.COUNT_LIMIT", 2):
            _, totals = await self.as_csv()
            self.assertEqual(totals, {"EUR": ("1", "7.00"), "USD": ("3", "10000000000.29")})
            _, totals = await self.as_xlsx()
            self.assertEqual(totals, {"EUR": (1, 7), "USD": (3, 10000000000.29)})
        for export in (self.as_csv, self.as_xlsx):
            self.assertEqual(await export(q="nothing has this"), ([], {}))

    async def test_a_suspended_employees_tickets_are_absent(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        hers, _ = await self.new_ticket(ada), await self.new_ticket(ben, amount="99.00")
        await self.suspend(ben, by=self.boss)
        self.assertEqual(await self.exported(status="all"), [hers])
        _, totals = await self.as_csv(status="all")
        self.assertEqual(totals, {"USD": ("1", "12.50")})

    async def test_every_order_is_kept_from_batch_to_batch(self) -> None:
        ada = await self.new_employee()
        for days, amount in (
            (3, "5"),
            (1, "20"),
            (3, "5"),
            (2, "1"),
            (1, "20"),
            (3, "5"),
            (0, "7"),
        ):
            day = usual_settings().today() - timedelta(days=days)
            await self.new_ticket(ada, spent_on=day.isoformat(), amount=amount)
        for sort in ("filed", "-filed", "date", "-date", "amount", "-amount"):
            with self.subTest(sort=sort), patch("expenses.tickets.export.BATCH_SIZE", 3):
                tickets = await self.exported(sort=sort)
                self.assertEqual(tickets, await self.found(status="pending", sort=sort))
                self.assertEqual(len(tickets), 7)

    async def test_each_batch_is_one_statement(self) -> None:
        ada = await self.new_employee()
        for _ in range(7):
            await self.new_ticket(ada)
        with patch("expenses.tickets.export.BATCH_SIZE", 3), self.counted_statements() as sent:
            await self.as_csv()
        self.assertEqual(sum("FROM tickets" in statement.sql for statement in sent), 3)


class Texts(ExportTestCase):
    """What a spreadsheet would compute, and what breaks rows or files."""

    async def described(self, export: Any) -> str:
        rows, _ = await export()
        return str(rows[-1][TITLES.index("Description")])

    async def test_formulas_are_text(self) -> None:
        ada = await self.new_employee("=1+1")
        for description, harmless in (
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\uff1d1+1", "'\uff1d1+1"),
            ('"=1+1', "'\"=1+1"),
            ("' =1+1", "'' =1+1"),
            ("a\n=1+1", "a\n'=1+1"),
            ("a; =1+1", "a;' =1+1"),
            ("a\t=1", "a\t'=1"),
            ("a = b - c; d", "a = b - c; d"),
            ("'quoted'", "'quoted'"),
        ):
            await self.new_ticket(ada, description=description)
            with self.subTest(description=description):
                self.assertEqual(await self.described(self.as_csv), harmless)
                self.assertEqual(await self.described(self.as_xlsx), description)
        rows, _ = await self.as_csv()
        self.assertEqual({row[1] for row in rows}, {"'=1+1"})
        content = await self.download(XLSX)
        self.assertNotIn(b"<f>", ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml"))

    async def test_white_space_in_front_makes_no_difference(self) -> None:
        ticket = await self.new_ticket(await self.new_employee())
        for description, harmless in (("\t=1", "'\t'=1"), ("\rx", "'\rx"), ("  =1", "'  =1")):
            # Past the core, which trims what is typed.
            async with self.database.transaction() as connection:
                await connection.execute(
                    update(Ticket).where(Ticket.id == ticket).values(description=description)
                )
            with self.subTest(description=description):
                self.assertEqual(await self.described(self.as_csv), harmless)

    async def test_quotes_commas_line_breaks_and_markup_come_back_as_they_were(self) -> None:
        ada = await self.new_employee()
        for description in (
            'Say "cheese", please',
            "two\nlines",
            "a,b;c",
            "<b>&amp;</b> ]]>",
            "emoji 🧾 and combining q\u0301",
            "noncharacters \ufdd0",
            "_x000D_ and _x0041",
        ):
            await self.new_ticket(ada, description=description)
            with self.subTest(description=description):
                self.assertEqual(await self.described(self.as_csv), description)
                in_xlsx = await self.described(self.as_xlsx)
                # Excel takes the escape back; openpyxl shows it.
                self.assertEqual(in_xlsx.replace("_x005F_", "_"), description)

    async def test_what_xml_cannot_hold_is_escaped(self) -> None:
        await self.new_ticket(await self.new_employee(), description="a\ufffe\uffffb")
        self.assertEqual(await self.described(self.as_xlsx), "a_xFFFE__xFFFF_b")

    async def test_lines_end_as_the_format_says(self) -> None:
        await self.new_ticket(await self.new_employee())
        content = await self.download(CSV)
        self.assertEqual(content.count(b"\n"), content.count(b"\r\n"))
        self.assertTrue(content.endswith(b"\r\n"))


class Sheets(ExportTestCase):
    """The workbook itself."""

    async def workbook(self) -> Workbook:
        return load_workbook(BytesIO(await self.download(XLSX)))

    async def test_titles_are_bold_and_stay_in_view_and_values_have_their_formats(self) -> None:
        ticket = await self.new_ticket(await self.new_employee())
        sheet = (await self.workbook()).worksheets[0]
        self.assertEqual((sheet.title, sheet.freeze_panes), ("Tickets", "A2"))
        self.assertTrue(all(cell.font.b for cell in sheet[1]))
        self.assertFalse(any(cell.font.b for cell in sheet[2]))
        for column, width in (("A", 10), ("H", 48)):
            # XlsxWriter adds the padding of a cell.
            self.assertEqual(int(sheet.column_dimensions[column].width), width)
        formats = {
            cell.coordinate: cell.number_format
            for cell in sheet[2]
            if cell.number_format != "General"
        }
        day, instant = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"
        self.assertEqual(formats, {"D2": day, "E2": "#,##0.00", "P2": instant})
        self.assertEqual(sheet["A2"].value, ticket)

    async def test_a_full_sheet_goes_on_on_the_next(self) -> None:
        ada = await self.new_employee()
        tickets = [await self.new_ticket(ada) for _ in range(5)]
        with patch("expenses.web.exports.xlsx_file.MAX_ROWS", 3):
            self.assertEqual(await self.exported(), tickets)
            book = await self.workbook()
        self.assertEqual(book.sheetnames, ["Tickets", "Tickets 2", "Tickets 3", "Tickets 4"])

    def test_a_number_that_excel_would_round_is_text(self) -> None:
        file = XlsxFile(COLUMNS)
        file.add([(10**15, 10**14, Decimal("99999999999999.99"))])
        with file.finish() as content:
            row = xlsx_rows(content.read())[0]
        file.discard()
        self.assertEqual(row[:3], ["1000000000000000", 10**14, "99999999999999.99"])


class Sending(SendingTestCase):
    async def test_it_is_a_download_with_a_name_that_nobody_keeps(self) -> None:
        for path, kind in ((CSV, "text/csv; charset=utf-8"), (XLSX, xlsx_file.MEDIA_TYPE)):
            for method in ("GET", "HEAD"):
                answer = await self.browser.request(method, path)
                self.assertEqual(answer.status_code, 200)
                name = f"contoso-tickets-{usual_settings().today()}.{path[-4:].lstrip('/')}"
                self.assertEqual(
                    answer.headers["content-disposition"], f'attachment; filename="{name}"'
                )
                self.assertEqual(answer.headers["content-type"], kind)
                self.assertEqual(answer.headers["cache-control"], "no-store")

    async def test_what_cannot_be_read_is_said(self) -> None:
        for query in ("status=lost", "min=a", "from=x", "from=2026-02-02&to=2026-02-01", "q=%00"):
            for path in (CSV, XLSX):
                answer = await self.browser.get(f"{path}?{query}&employee=")
                self.assertEqual(answer.status_code, 422, query)
                self.assertNotIn("content-disposition", answer.headers)
        self.assertEqual((await self.browser.get(f"{CSV}?employee=nobody")).status_code, 422)

    async def test_other_kinds_and_methods_are_not_there(self) -> None:
        for kind in ("pdf", "CSV", "csv/x", "%00"):
            answer = await self.browser.get(f"/admin/ticket/export/{kind}")
            self.assertEqual(answer.status_code, 404, kind)
        self.assertEqual((await self.browser.post(CSV)).status_code, 405)

    async def test_only_employers_get_it(self) -> None:
        stranger = await self.client()
        employee = await self.browser_of(await self.new_employee())
        for path in (CSV, XLSX):
            answer = await stranger.get(path)
            self.assertEqual(answer.status_code, 303)
            self.assertEqual(answer.headers["location"], f"/login?next={path}")
            self.assertEqual((await employee.get(path)).status_code, 403)

    async def test_the_menu_does_not_name_it(self) -> None:
        self.assertNotIn("Export tickets", (await self.listing()).text)

    async def test_a_file_that_fails_on_the_way_is_no_whole_file(self) -> None:
        ada = await self.new_employee()
        for _ in range(4):
            await self.new_ticket(ada)
        with patch("expenses.tickets.export.BATCH_SIZE", 3):
            self.assertIn(b"Totals", await self.download(CSV))
            with failing_at(2), self.assertLogs("expenses.web.failures", "ERROR"):
                self.assertNotIn(b"Totals", await self.download(CSV))
            strict = httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app),
                base_url="http://localhost",
                cookies=self.browser.cookies,
            )
            # What the server underneath answers by breaking the connection.
            logged = self.assertLogs("expenses.web.failures", "ERROR")
            with failing_at(2), logged, self.assertRaises(RuntimeError):
                await strict.get(CSV)
            await strict.aclose()

    async def test_a_workbook_that_fails_is_an_error_and_leaves_no_file(self) -> None:
        ada = await self.new_employee()
        for _ in range(4):
            await self.new_ticket(ada)
        folder = self.enterContext(TemporaryDirectory())
        with (
            patch("tempfile.tempdir", folder),
            patch("expenses.tickets.export.BATCH_SIZE", 3),
        ):
            await self.download(XLSX)
            with failing_at(2):
                answer = await self.browser.get(XLSX)
            self.assertEqual(answer.status_code, 503)
            self.assertNotIn("content-disposition", answer.headers)
            # Its thread removes them a moment later.
            async with asyncio.timeout(10):
                while [*Path(folder).iterdir()]:  # noqa: ASYNC110, ASYNC240
                    await asyncio.sleep(0.01)

    async def test_whoever_hangs_up_ends_the_work(self) -> None:
        ada = await self.new_employee()
        for _ in range(9):
            await self.new_ticket(ada)
        for path, messages in ((CSV, 2), (XLSX, 0)):
            with patch("expenses.tickets.export.BATCH_SIZE", 1), self.counted_statements() as sent:
                await self.hang_up_after(path, messages=messages)
            self.assertLess(sum("FROM tickets" in statement.sql for statement in sent), 5)


def failing_at(statement: int) -> Any:
    """Lists of tickets fail from the given one on."""
    calls = 0

    async def fail(*arguments: Any, **named: Any) -> TicketPage:
        nonlocal calls
        calls += 1
        if calls >= statement:
            raise TooBusy()
        return await list_tickets(*arguments, **named)

    return patch("expenses.tickets.export.list_tickets", fail)
