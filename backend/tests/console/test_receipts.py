"""Receipts in the console: what an approver learns from them, on the row and on the page."""

import re
from datetime import date
from decimal import Decimal
from html import unescape
from typing import Any

import httpx

from expenses.users.queries import UserView
from tests.harness import AppTestCase, make_settings

SAID = {"number": "RE-1", "merchant": "Northwind"}


def hints(page: httpx.Response) -> list[str]:
    found = re.findall(r'<div class="hint">(.*?)</div>', page.text, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]*>", "", text)).split()) for text in found]


class ReceiptTestCase(AppTestCase):
    ada: UserView
    ben: UserView

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.ada, self.ben = await self.new_employee("Ada"), await self.new_employee("Ben")
        self.browser = await self.browser_of(self.boss)

    async def claim(self, owner: UserView, **fields: Any) -> int:
        """A ticket of EUR 20 whose receipt says something."""
        number = await self.new_ticket(owner, amount="20.00", currency="EUR", links=[])
        await self.new_receipt(owner, number, **fields)
        return number

    async def row_and_page(self, number: int) -> tuple[list[str], list[str]]:
        """The hints of a ticket in the list, and on its own page."""
        listed = await self.browser.get("/admin/ticket/list", params={"q": f"#{number}"})
        page = await self.browser.get(
            f"/admin/ticket/details/{number}", headers={"X-Fragment": "ticket"}
        )
        self.assertEqual((listed.status_code, page.status_code), (200, 200))
        return hints(listed), hints(page)


class Claims(ReceiptTestCase):
    async def test_the_other_ticket_is_named_with_whose_and_when(self) -> None:
        first, second = await self.claim(self.ada, **SAID), await self.claim(self.ben, **SAID)
        for number, other, owner in ((first, second, "Ben"), (second, first, "Ada")):
            for found in await self.row_and_page(number):
                [hint] = found
                self.assertRegex(hint, f"^Same invoice as ticket {other} ?, {owner}, .*20")

    async def test_the_same_of_one_employee(self) -> None:
        first, second = await self.claim(self.ada, **SAID), await self.claim(self.ada, **SAID)
        row, page = await self.row_and_page(second)
        for found in (row, page):
            self.assertTrue(any(f"Same invoice as ticket {first}" in hint for hint in found))

    async def test_of_a_suspended_employee_no_more_than_that(self) -> None:
        await self.claim(self.ada, **SAID)
        number = await self.claim(self.ben, **SAID)
        await self.suspend(self.ada, by=self.boss)
        for found in await self.row_and_page(number):
            self.assertEqual(found, ["This invoice was filed before."])

    async def test_a_denied_ticket_does_not_count(self) -> None:
        first, second = await self.claim(self.ada, **SAID), await self.claim(self.ben, **SAID)
        await self.deny(first, by=self.boss)
        self.assertEqual(await self.row_and_page(second), ([], []))

    async def test_another_seller_may_use_the_same_number(self) -> None:
        await self.claim(self.ada, **SAID)
        number = await self.claim(self.ben, **SAID | {"merchant": "Fabrikam"})
        self.assertEqual(await self.row_and_page(number), ([], []))


class Differences(ReceiptTestCase):
    async def test_amount_currency_and_date(self) -> None:
        spent_on = (await self.ticket(await self.claim(self.ada), seen_by=self.ada)).spent_on
        for said, sentence in (
            (
                {"amount": Decimal(25), "currency": "EUR"},
                "The invoice says €25.00, the ticket €20.00.",
            ),
            (
                {"amount": Decimal(20), "currency": "CHF"},
                "The invoice is in CHF, the ticket in EUR.",
            ),
            ({"date": date(2020, 2, 1)}, "The invoice is of Feb 1, 2020, the ticket of"),
            ({"amount": Decimal(20), "currency": "EUR", "date": spent_on}, None),
        ):
            with self.subTest(said=said):
                number = await self.claim(self.ada, **said)
                for found in await self.row_and_page(number):
                    about = [hint for hint in found if hint.startswith("The invoice")]
                    self.assertEqual(len(about), 1 if sentence else 0)
                    if sentence:
                        self.assertTrue(about[0].startswith(sentence), about)


class Lacking(ReceiptTestCase):
    async def test_above_the_limit_without_a_receipt(self) -> None:
        self.app.state.settings = make_settings(receipt_above={"USD": Decimal(50)})
        sentence = "No receipt, though the amount is above the company's limit"
        for amount, currency, has_receipt, expected in (
            ("50.01", "USD", False, [sentence]),
            ("50.00", "USD", False, []),
            ("50.01", "EUR", False, []),
            ("50.01", "USD", True, []),
        ):
            with self.subTest(amount=amount, currency=currency, has_receipt=has_receipt):
                owner = await self.new_employee()
                number = await self.new_ticket(owner, amount=amount, currency=currency, links=[])
                if has_receipt:
                    await self.new_receipt(owner, number)
                self.assertEqual(await self.row_and_page(number), (expected, expected))


class Viewer(ReceiptTestCase):
    async def test_the_page_shows_every_receipt_and_the_row_the_first(self) -> None:
        number = await self.new_ticket(self.ada)
        receipts = [await self.new_receipt(self.ada, number) for _ in range(3)]
        listed = await self.browser.get("/admin/ticket/list")
        self.assertIn(f"/api/tickets/{number}/receipts/{receipts[0]}/thumbnail", listed.text)
        self.assertNotIn(f"/receipts/{receipts[1]}/", listed.text)
        self.assertIn("3 receipts", listed.text)
        page = await self.browser.get(f"/admin/ticket/details/{number}")
        for receipt in receipts:
            address = f"/api/tickets/{number}/receipts/{receipt}/preview?page=1"
            self.assertIn(f'src="{address}"', page.text)
            picture = await self.browser.get(address)
            self.assertEqual(picture.headers["content-type"], "image/webp")
        self.assertNotIn("/remove", page.text)

    async def test_what_an_invoice_says_is_beside_it(self) -> None:
        number = await self.claim(
            self.ada, **SAID, amount=Decimal(20), currency="EUR", date=date(2026, 11, 2)
        )
        page = await self.browser.get(f"/admin/ticket/details/{number}")
        for said in ("Northwind", "RE-1", "Nov 2, 2026"):
            self.assertIn(said, page.text)

    async def test_an_approval_is_of_the_receipts_that_were_seen(self) -> None:
        number = await self.claim(self.ada, **SAID)
        seen = (await self.ticket(number, seen_by=self.boss)).updated_at
        answer = await self.browser.post(
            f"/admin/ticket/{number}/approve", data={"seen": seen.isoformat()}
        )
        self.assertEqual(answer.status_code, 303)
        self.assertEqual((await self.last_event()).action, "ticket.approved")
        async with self.nothing_changes():
            answer = await self.browser.post(f"/admin/ticket/{number}/deny", data={"reason": "x"})
            self.assertEqual(answer.status_code, 409)
