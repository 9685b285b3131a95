"""Amounts have the decimals of their currency, at every door."""

import csv
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

from openpyxl import load_workbook
from sqlalchemy import update

from expenses.tickets.models import ticket_table
from tests.harness import AppTestCase, ticket_json


class Decimals(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada, self.dana = await self.new_employee("Ada"), await self.new_employer("Dana")
        self.api = await self.program_of(self.ada)

    async def test_as_many_as_the_currency_has(self) -> None:
        for currency, sent, kept in (
            ("JPY", "20", "20"),
            ("JPY", 20.0, "20"),
            ("JPY", "20.00", "20"),
            ("USD", "20", "20.00"),
            ("USD", "12.340", "12.34"),
            ("KWD", "12.345", "12.345"),
            ("KWD", 12.345, "12.345"),
            ("KWD", "12", "12.000"),
        ):
            answer = await self.api.post("/api/tickets", json=ticket(sent, currency))
            self.assertEqual(answer.json()["amount"], kept, answer.text)
            self.assertEqual((await self.last_event()).details["amount"], kept)

    async def test_no_more_than_that(self) -> None:
        for currency, amount, sentence in (
            ("JPY", "20.50", "Use a whole number: amounts in JPY have no decimals."),
            ("USD", "12.345", "Use at most 2 decimals: amounts in USD have no more."),
            (None, "12.345", "Use at most 2 decimals: amounts in USD have no more."),
            ("KWD", "1.2345", "Use at most 3 decimals."),
        ):
            async with self.nothing_changes():
                answer = await self.api.post("/api/tickets", json=ticket(amount, currency))
            body = self.assert_problem(answer, 422, "invalid-input")
            self.assertEqual(body["errors"], [{"field": "amount", "message": sentence}])

    async def test_an_edit_fits_what_stays(self) -> None:
        dollars = await self.new_ticket(self.ada, amount="12.50")
        address = f"/api/tickets/{dollars}"
        for changes, status in (
            ({"currency": "JPY"}, 409),
            ({"amount": "12.345"}, 409),
            ({"amount": "12.345", "currency": "EUR"}, 422),
        ):
            async with self.nothing_changes():
                self.assertEqual((await self.api.patch(address, json=changes)).status_code, status)
        answer = await self.api.patch(address, json={"amount": "1250", "currency": "JPY"})
        self.assertEqual((answer.json()["amount"], answer.json()["currency"]), ("1250", "JPY"))
        self.assertEqual((await self.last_event()).details["after"]["amount"], "1250")

    async def test_yen_with_decimals_of_earlier_are_shown_in_full(self) -> None:
        number = await self.new_ticket(self.ada, amount="20", currency="JPY")
        async with self.database.transaction() as connection:
            await connection.execute(
                update(ticket_table)
                .where(ticket_table.c.id == number)
                .values(amount=Decimal("20.50"))
            )
        self.assertEqual((await self.api.get(f"/api/tickets/{number}")).json()["amount"], "20.50")

    async def test_they_are_shown_summed_and_exported_alike(self) -> None:
        for amount, currency in (("1200", "JPY"), ("34", "JPY"), ("1.005", "KWD"), ("2", "KWD")):
            await self.new_ticket(self.ada, amount=amount, currency=currency)
        browser = await self.browser_of(self.dana)
        page = await browser.get("/admin/ticket/list")
        for text in ("¥1,234", "¥1,200", "KWD3.005", "KWD2.000"):
            self.assertIn(text, page.text)
        lines = (await browser.get("/admin/ticket/export/csv")).text
        rows = list(csv.reader(StringIO(lines)))
        self.assertEqual([row[4] for row in rows[1:5]], ["1200", "34", "1.005", "2.000"])
        self.assertEqual(rows[-2:], [["JPY", "2", "1234"], ["KWD", "2", "3.005"]])
        book = load_workbook(BytesIO((await browser.get("/admin/ticket/export/xlsx")).content))
        formats = [book["Tickets"].cell(row, 5).number_format for row in range(2, 6)]
        self.assertEqual(formats, ["#,##0", "#,##0", "#,##0.000", "#,##0.000"])

    async def test_filters_take_them(self) -> None:
        number = await self.new_ticket(self.ada, amount="12.345", currency="KWD")
        await self.new_ticket(self.ada, amount="12.34")
        found = await self.api.get("/api/tickets?min=12.341&max=12.345")
        self.assertEqual([item["id"] for item in found.json()["items"]], [number])

    async def test_pages_go_on_behind_them(self) -> None:
        tickets = [
            await self.new_ticket(self.ada, amount=f"1.00{last}", currency="KWD") for last in "123"
        ]
        first = (await self.api.get("/api/tickets?sort=amount&limit=1")).json()
        rest = await self.api.get(f"/api/tickets?sort=amount&cursor={first['next']}")
        self.assertEqual([item["id"] for item in rest.json()["items"]], tickets[1:])

    async def test_currencies_that_do_not_exist_are_refused(self) -> None:
        for code in ("XYZ", "DEM", "usd", "XXX"):
            answer = await self.api.post("/api/tickets", json=ticket("12", code))
            self.assert_problem(answer, 422, "invalid-input")


class Form(AppTestCase):
    async def test_it_begins_with_the_currency_used_last(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        for currency in ("EUR", "JPY"):
            await self.new_ticket(ada, amount="20", currency=currency)
        for user, currency in ((ada, "JPY"), (ben, "USD")):
            page = await (await self.browser_of(user)).get("/tickets")
            self.assertIn(f"<option selected>{currency}</option>", page.text)

    async def test_it_says_what_the_currency_cannot_have(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        form = ticket("20,50", "JPY")
        async with self.nothing_changes():
            page = await browser.post("/tickets", data=form)
        self.assertEqual(page.status_code, 422)
        self.assertIn("Use a whole number: amounts in JPY have no decimals.", page.text)
        self.assertIn('value="20,50"', page.text)


def ticket(amount: object, currency: str | None) -> dict[str, Any]:
    return ticket_json() | {"amount": amount, "currency": currency}
