"""An employee's own tickets as a file."""

import asyncio
from html import escape
from io import BytesIO
from urllib.parse import urlencode
from zipfile import ZipFile

from expenses.database.engine import CONNECTIONS_PER_PROCESS
from tests.console.test_export import CSV, csv_rows, split
from tests.harness import AppTestCase, CommittingTestCase

PATH = "/tickets/export.csv"
ZIP = "/tickets/export.zip"


class Export(AppTestCase):
    async def test_employees_get_their_own_tickets_the_last_first(self) -> None:
        ada, ben, boss = (
            await self.new_employee("Ada"),
            await self.new_employee("Ben"),
            await self.new_employer("Dana"),
        )
        first, second = await self.new_ticket(ada), await self.new_ticket(ada, amount="0.05")
        await self.new_ticket(ben)
        await self.deny(first, by=boss, reason="No receipt")
        answer = await (await self.browser_of(ada)).get(PATH, params={"employee": "Ben"})
        self.assertEqual(answer.status_code, 200)
        self.assertIn(f"contoso-tickets-{self.settings.today()}.csv", str(answer.headers))
        tickets, totals = split(csv_rows(answer.content)[1:])
        self.assertEqual([int(row[0]) for row in tickets], [second, first])
        self.assertEqual({row[1] for row in tickets}, {"Ada"})
        self.assertIn("No receipt", tickets[1])
        self.assertEqual(totals, {"USD": ("2", "12.55")})

    async def test_the_zip_has_their_own_receipts(self) -> None:
        ada, ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        ticket = await self.new_ticket(ada, description="Dinner")
        await self.new_receipt(ada, ticket)
        await self.new_receipt(ben, await self.new_ticket(ben, description="Dinner"))
        browser = await self.browser_of(ada)
        self.assertIn(f'href="{ZIP}?q=dinner"', (await browser.get("/tickets?q=dinner")).text)
        archive = ZipFile(BytesIO((await browser.get(ZIP, params={"q": "dinner"})).content))
        day = (await self.ticket(ticket, seen_by=ada)).spent_on
        self.assertEqual(archive.namelist(), ["tickets.csv", f"{day}_Ada_{ticket}_1.png"])
        archive = ZipFile(BytesIO((await browser.get(ZIP, params={"q": "lunch"})).content))
        self.assertEqual(archive.namelist(), ["tickets.csv"])

    async def test_other_kinds_are_not_there(self) -> None:
        for person in (await self.new_employee(), await self.new_employer()):
            browser = await self.browser_of(person)
            for kind in ("pdf", "CSV", "csv%2F..", "%00"):
                self.assertEqual((await browser.get(f"/tickets/export.{kind}")).status_code, 404)

    async def test_it_holds_what_the_page_lists(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        await self.new_ticket(ada, description="Dinner")
        denied = await self.new_ticket(ada, description="Lunch 100%")
        await self.new_ticket(ada, description="Lunch")
        await self.deny(denied, by=boss)
        browser = await self.browser_of(ada)
        for asked, expected in (
            ({"q": "lunch"}, {"Lunch", "Lunch 100%"}),
            ({"q": "lunch", "status": "pending"}, {"Lunch"}),
            ({"status": "denied"}, {"Lunch 100%"}),
            ({"q": "0%"}, {"Lunch 100%"}),
        ):
            page = (await browser.get("/tickets", params=asked)).text
            address = f"{PATH}?{urlencode(asked)}"
            self.assertIn(f'href="{escape(address)}"', page)
            tickets, totals = split(csv_rows((await browser.get(address)).content)[1:])
            self.assertEqual({row[7] for row in tickets}, expected)
            self.assertEqual(totals["USD"][0], str(len(expected)))

    async def test_a_wrong_address_says_what_is_wrong(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        answer = await browser.get(PATH, params={"status": "lost"})
        self.assertEqual(answer.status_code, 422)
        self.assertIn("status", answer.text)

    async def test_without_a_ticket_it_is_whole_and_empty(self) -> None:
        answer = await (await self.browser_of(await self.new_employee())).get(PATH)
        self.assertEqual(split(csv_rows(answer.content)[1:]), ([], {}))

    async def test_employers_have_the_consoles(self) -> None:
        answer = await (await self.browser_of(await self.new_employer())).get(PATH)
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(answer.headers["location"], f"{CSV}?status=all")

    async def test_a_stranger_logs_in_first(self) -> None:
        answer = await (await self.client()).get(PATH)
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(answer.headers["location"], f"/login?next={PATH}")

    async def test_suspended_employees_are_out(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        browser = await self.browser_of(ada)
        await self.suspend(ada, by=boss)
        self.assertEqual((await browser.get(PATH)).status_code, 303)

    async def test_it_is_for_reading_only(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        self.assertIn((await browser.delete(PATH)).status_code, (404, 405))


class AtOnce(CommittingTestCase):
    async def test_as_many_as_there_are_connections_do_not_wait_for_each_other(self) -> None:
        ada = await self.new_employee()
        await self.new_ticket(ada)
        browser = await self.browser_of(ada)
        exports = [browser.get("/tickets/export.xlsx") for _ in range(CONNECTIONS_PER_PROCESS)]
        answers = await asyncio.gather(*exports)
        self.assertEqual({answer.status_code for answer in answers}, {200})
