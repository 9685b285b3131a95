"""Receipts in the portal: drafts, the form they fill in, filing with them, and pending tickets."""

import re
from decimal import Decimal
from typing import Any

import httpx
from PIL import Image
from sqlalchemy import select

from expenses.receipts.models import receipt_table
from expenses.users.queries import UserView
from tests.harness import AppTestCase, make_settings
from tests.portal.test_tickets import form_of, ticket_form
from tests.receipts.documents import EPC, cii, encoded, factur_x, pdf, photo, swiss_qr

PHOTO = encoded(Image.new("RGB", (400, 300), "#ccc"), "JPEG")
INVOICE = cii().encode()
CLAIMED = "This invoice was filed before"


def upload(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", file) for file in files]


def alerts(page: httpx.Response) -> list[str]:
    found = re.findall(r'role="(?:alert|status)"[^>]*>([^<]+)<', page.text)
    return [text.strip().replace("&#39;", "'") for text in found if text.strip()]


def marked(page: httpx.Response) -> set[str]:
    """The fields that come from an invoice."""
    return set(re.findall(r'data-from="(\w+)"', page.text))


class ReceiptTestCase(AppTestCase):
    ada: UserView

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.browser = await self.browser_of(self.ada)

    async def read(self, *files: tuple[str, bytes], **form: Any) -> httpx.Response:
        return await self.browser.post("/tickets/receipts", data=form, files=upload(*files))

    async def file(self, **form: Any) -> httpx.Response:
        return await self.browser.post("/tickets", data=ticket_form() | form)

    async def receipts(self) -> list[tuple[int, int | None, str]]:
        """The id, ticket and name of each."""
        table = receipt_table.c
        async with self.database.reading() as connection:
            rows = await connection.execute(
                select(table.id, table.ticket_id, table.name).order_by(table.id)
            )
            return [(row.id, row.ticket_id, row.name) for row in rows]


class Draft(ReceiptTestCase):
    async def test_a_file_becomes_a_draft_without_an_event(self) -> None:
        before = len(await self.events())
        page = await self.read(("lunch.jpg", PHOTO), amount="9", description="Lunch")
        self.assertEqual(page.status_code, 200)
        [(number, ticket, name)] = await self.receipts()
        self.assertEqual((ticket, name), (None, "lunch.jpg"))
        self.assertEqual(len(await self.events()), before)
        self.assertIn("Remove lunch.jpg", page.text)
        self.assertEqual(form_of(page)["amount"], "9")
        self.assertEqual(form_of(page)["description"], "Lunch")
        picture = await self.browser.get(f"/tickets/receipts/{number}")
        self.assertEqual(picture.headers["content-type"], "image/webp")
        other = await self.browser_of(await self.new_employee())
        self.assertEqual((await other.get(f"/tickets/receipts/{number}")).status_code, 404)

    async def test_what_cannot_be_read_is_named_and_the_rest_is_kept(self) -> None:
        page = await self.read(
            ("half.jpg", PHOTO[:200]), ("lunch.jpg", PHOTO), amount="9", description="Lunch"
        )
        self.assertEqual(page.status_code, 422)
        self.assertIn("half.jpg: This file is damaged", page.text)
        self.assertEqual(form_of(page)["description"], "Lunch")
        self.assertEqual([name for *_, name in await self.receipts()], ["lunch.jpg"])

    async def test_more_than_ten_at_once_are_refused_with_a_sentence(self) -> None:
        async with self.nothing_changes():
            page = await self.read(*[(f"{n}.jpg", PHOTO) for n in range(11)], amount="9")
        self.assertEqual(page.status_code, 422)
        self.assertIn("Add at most 10 files at once.", alerts(page))
        self.assertEqual(form_of(page)["amount"], "9")

    async def test_a_draft_is_dropped_and_only_by_its_owner(self) -> None:
        number = await self.new_receipt(self.ada)
        ben = await self.browser_of(await self.new_employee("Ben"))
        async with self.nothing_changes():
            await ben.post("/tickets/receipts", data={"drop": str(number)})
        await self.read(receipts=str(number), drop=str(number))
        self.assertEqual(await self.receipts(), [])

    async def test_those_that_wait_can_be_taken_up_again(self) -> None:
        numbers = [await self.new_receipt(self.ada, amount=Decimal(5), currency="EUR")]
        numbers.append(await self.new_receipt(self.ada, amount=Decimal(7), currency="EUR"))
        page = await self.browser.get("/tickets")
        self.assertIn("2 receipts are waiting for their tickets", page.text)
        self.assertEqual(form_of(page)["amount"], "")
        found = re.search(r'href="(/tickets\?new=1[^"]+)"', page.text)
        assert found is not None
        page = await self.browser.get(found[1].replace("&amp;", "&"))
        self.assertNotIn("waiting", page.text)
        self.assertEqual(form_of(page)["amount"], "5.00")
        for number in numbers:
            self.assertIn(f'name="receipts" value="{number}"', page.text)

    async def test_enter_does_not_press_a_button_of_a_receipt(self) -> None:
        page = await self.read(receipts=str(await self.new_receipt(self.ada)))
        form = page.text[page.text.index('action="/tickets" enctype') :]
        first = re.findall(r"<button[^>]*>", form)[0]
        self.assertNotIn("formaction", first)
        self.assertNotIn("name=", first)


class FillIn(ReceiptTestCase):
    async def test_an_invoice_fills_in_what_nobody_typed(self) -> None:
        form = form_of(await self.browser.get("/tickets"))
        page = await self.read(("invoice.pdf", factur_x(cii())), **form)
        values = form_of(page)
        self.assertEqual(
            [values[name] for name in ("amount", "spent_on", "merchant")],
            ["119.00", "2026-11-02", "Northwind Traders GmbH"],
        )
        self.assertIn("<option selected>EUR</option>", page.text)
        self.assertEqual(marked(page), {"amount", "currency", "spent_on", "merchant"})

    async def test_what_was_typed_stays_and_is_not_marked(self) -> None:
        page = await self.read(("invoice.xml", INVOICE), amount="120", currency="EUR")
        self.assertEqual(form_of(page)["amount"], "120")
        self.assertEqual(marked(page), {"spent_on", "merchant"})

    async def test_what_a_removed_invoice_had_filled_in_goes_with_it(self) -> None:
        page = await self.read(("invoice.xml", INVOICE), merchant="My own words")
        values = form_of(page)
        [(number, *_)] = await self.receipts()
        page = await self.read(**values | {"drop": str(number)})
        self.assertEqual(form_of(page)["amount"], "")
        self.assertEqual(form_of(page)["spent_on"], self.settings.today().isoformat())
        self.assertEqual(form_of(page)["merchant"], "My own words")
        self.assertEqual(marked(page), set())

    async def test_several_are_added_up_unless_each_is_a_ticket(self) -> None:
        said: dict[str, Any] = {"currency": "EUR", "merchant": "Northwind"}
        numbers = [
            str(await self.new_receipt(self.ada, amount=Decimal(amount), **said))
            for amount in ("10.50", "4")
        ]
        page = await self.read(receipts=numbers)
        self.assertEqual(form_of(page)["amount"], "14.50")
        page = await self.read(receipts=numbers, each="1")
        self.assertEqual(form_of(page)["amount"], "10.50")

    async def test_a_file_that_contradicts_itself_fills_in_nothing_and_says_both(self) -> None:
        content = factur_x(cii(), pdf([(50, 700, "Invoice")], swiss_qr()))
        page = await self.read(("both.pdf", content))
        self.assertEqual((form_of(page)["amount"], marked(page)), ("", set()))
        self.assertIn(
            "both.pdf contradicts itself, so nothing was filled in from it. It says: "
            "Northwind Traders GmbH, RE-2026-17, Nov 2, 2026, €119.00; "
            "Robert Schneider AG, CHF1,949.75",
            alerts(page),
        )

    async def test_a_payment_code_on_a_photo(self) -> None:
        page = await self.read(("code.png", encoded(photo(EPC), "PNG")))
        self.assertEqual(form_of(page)["amount"], "123.45")
        self.assertEqual(form_of(page)["merchant"], "Wikimedia e.V.")


class File(ReceiptTestCase):
    async def test_a_ticket_takes_its_drafts_each_with_an_event(self) -> None:
        numbers = [await self.new_receipt(self.ada, called=name) for name in ("one", "two")]
        answer = await self.file(receipts=[str(number) for number in numbers])
        self.assertEqual(answer.status_code, 303, alerts(answer))
        [created] = await self.events("ticket.created")
        self.assertEqual(
            await self.receipts(),
            [
                (n, created.ticket_id, f"{name}.png")
                for n, name in zip(numbers, ("one", "two"), strict=True)
            ],
        )
        added = await self.events("ticket.receipt_added")
        self.assertEqual([event.details["name"] for event in added], ["one.png", "two.png"])
        self.assertEqual({event.actor_id for event in added}, {self.ada.id})

    async def test_files_that_come_with_the_form_are_kept(self) -> None:
        answer = await self.browser.post(
            "/tickets", data=ticket_form(), files=upload(("lunch.jpg", PHOTO))
        )
        self.assertEqual(answer.status_code, 303)
        event = await self.last_event()
        self.assertEqual(event.action, "ticket.receipt_added")
        self.assertEqual(
            [row[1:] for row in await self.receipts()], [(event.ticket_id, "lunch.jpg")]
        )

    async def test_one_that_cannot_be_read_files_nothing(self) -> None:
        async with self.nothing_changes():
            page = await self.browser.post(
                "/tickets", data=ticket_form(), files=upload(("half.jpg", PHOTO[:200]))
            )
        self.assertEqual(page.status_code, 422)
        self.assertIn("half.jpg", page.text)
        self.assertEqual(form_of(page)["description"], ticket_form()["description"])

    async def test_each_is_filed_by_itself_and_the_next_one_fills_in_the_form(self) -> None:
        said: dict[str, Any] = {"currency": "EUR", "merchant": "Northwind"}
        numbers = [
            str(await self.new_receipt(self.ada, amount=Decimal(amount), **said))
            for amount in ("10.50", "4", "5")
        ]
        answer = await self.file(receipts=numbers, each="1")
        self.assertEqual([ticket is None for _, ticket, _ in await self.receipts()], [0, 1, 1])
        self.assertEqual(len(await self.events("ticket.receipt_added")), 1)
        page = await self.browser.get(answer.headers["location"])
        values = form_of(page)
        self.assertEqual((values["amount"], values["each"]), ("4.00", "1"))
        self.assertNotIn(f'name="receipts" value="{numbers[0]}"', page.text)

    async def test_the_same_form_twice_is_one_ticket_with_its_receipts(self) -> None:
        number = str(await self.new_receipt(self.ada))
        for _ in range(2):
            answer = await self.file(receipts=number, key="k" * 16)
            self.assertEqual(answer.status_code, 303)
        self.assertEqual(len(await self.events("ticket.created")), 1)
        self.assertEqual(len(await self.events("ticket.receipt_added")), 1)

    async def test_what_is_gone_or_not_ones_own_or_too_much_files_nothing(self) -> None:
        foreign = await self.new_receipt(await self.new_employee("Ben"))
        own = [str(await self.new_receipt(self.ada)) for _ in range(11)]
        for receipts, sentence in (
            ([str(foreign)], "A receipt is no longer there."),
            (["999999999"], "A receipt is no longer there."),
            (own, "A ticket has at most 10 receipts."),
        ):
            with self.subTest(sentence):
                async with self.nothing_changes():
                    page = await self.file(receipts=receipts)
                self.assertEqual(page.status_code, 422)
                self.assertIn(sentence, page.text)

    async def test_a_missing_receipt_is_said_before_and_after_filing(self) -> None:
        self.app.state.settings = make_settings(receipt_above={"USD": Decimal(50)})
        sentence = "The company expects a receipt for this amount."
        number = str(await self.new_receipt(self.ada))
        for form, expected in (
            ({"amount": "50"}, ""),
            ({"amount": "50.01"}, sentence),
            ({"amount": "50,01"}, sentence),
            ({"amount": "50.01", "currency": "EUR"}, ""),
            ({"amount": "50.01", "receipts": number}, ""),
            ({"amount": "x"}, ""),
        ):
            with self.subTest(form=form):
                asked = await self.browser.post("/tickets/duplicates", data=ticket_form() | form)
                self.assertEqual(asked.json()["receipt"], expected)
        page = await self.file(amount="60", description="")
        self.assertIn(sentence, alerts(page))
        answer = await self.file(amount="60")
        self.assertEqual((await self.last_event()).action, "ticket.created")
        page = await self.browser.get(answer.headers["location"])
        self.assertEqual(alerts(page)[1:], [sentence])


class Claims(ReceiptTestCase):
    said: dict[str, Any] = {"number": "RE-1", "merchant": "Northwind"}

    async def test_an_own_ticket_is_named_before_filing(self) -> None:
        earlier = await self.new_ticket(self.ada)
        await self.new_receipt(self.ada, earlier, **self.said)
        page = await self.read(receipts=str(await self.new_receipt(self.ada, **self.said)))
        self.assertIn(CLAIMED + ":", page.text)
        self.assertIn(f'<a href="/tickets/{earlier}">ticket {earlier}</a>', page.text)

    async def test_tickets_of_others_are_not_named_and_not_counted(self) -> None:
        boss = await self.new_employer("Dana")
        others = [await self.new_employee(f"Colleague {number}") for number in range(3)]
        for other in others:
            await self.new_receipt(other, await self.new_ticket(other), **self.said)
        await self.suspend(others[0], by=boss)
        draft = str(await self.new_receipt(self.ada, **self.said))
        page = await self.read(receipts=draft)
        self.assertEqual(page.text.count(CLAIMED), 1)
        self.assertIn(CLAIMED + ".", page.text)
        self.assertNotIn("Colleague", page.text)
        ticket = await self.new_ticket(self.ada)
        await self.new_receipt(self.ada, ticket, **self.said)
        page = await self.browser.get(f"/tickets/{ticket}")
        self.assertIn(CLAIMED + ".", page.text)
        self.assertNotIn("Colleague", page.text)

    async def test_denied_and_withdrawn_tickets_do_not_count(self) -> None:
        for end in ("deny", "withdraw"):
            ticket = await self.new_ticket(self.ada)
            await self.new_receipt(self.ada, ticket, **self.said)
            by = self.ada if end == "withdraw" else await self.new_employer()
            await getattr(self, end)(ticket, by=by)
        page = await self.read(receipts=str(await self.new_receipt(self.ada, **self.said)))
        self.assertNotIn("filed before", page.text)


class Pending(ReceiptTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.number = await self.new_ticket(self.ada, amount="20.00", currency="EUR")
        self.address = f"/tickets/{self.number}"

    async def add(self, *files: tuple[str, bytes]) -> httpx.Response:
        return await self.browser.post(f"{self.address}/receipts", files=upload(*files))

    async def test_files_are_added_and_what_cannot_be_read_is_named(self) -> None:
        answer = await self.add(("lunch.jpg", PHOTO), ("half.jpg", PHOTO[:200]))
        # To the top, where the sentence is.
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, self.address))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.ticket_id, event.details["name"]),
            ("ticket.receipt_added", self.number, "lunch.jpg"),
        )
        page = await self.browser.get(self.address)
        self.assertIn("half.jpg: This file is damaged", page.text)
        self.assertIn("Page 1 of lunch.jpg", page.text)
        self.assertEqual([row[1:] for row in await self.receipts()], [(self.number, "lunch.jpg")])

    async def test_a_receipt_is_removed(self) -> None:
        number = await self.new_receipt(self.ada, self.number, called="lunch")
        answer = await self.browser.post(f"{self.address}/receipts/{number}/remove")
        self.assertEqual(answer.headers["location"], f"{self.address}#receipts")
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.details["name"]), ("ticket.receipt_removed", "lunch.png")
        )
        self.assertEqual(await self.receipts(), [])

    async def test_nothing_to_add_and_nothing_to_remove(self) -> None:
        async with self.nothing_changes():
            await self.add()
            page = await self.browser.get(self.address)
            answer = await self.browser.post(f"{self.address}/receipts/999999/remove")
        self.assertEqual(answer.status_code, 404)
        self.assertIn("Choose a file first.", alerts(page))

    async def test_a_decided_ticket_and_one_of_somebody_else_stay_as_they_are(self) -> None:
        number = await self.new_receipt(self.ada, self.number)
        ben = await self.browser_of(await self.new_employee("Ben"))
        remove = f"{self.address}/receipts/{number}/remove"
        async with self.nothing_changes():
            self.assertEqual((await ben.post(remove)).status_code, 404)
            answer = await ben.post(f"{self.address}/receipts", files=upload(("a.jpg", PHOTO)))
            self.assertEqual(answer.status_code, 404)
        await self.approve(self.number, by=await self.new_employer())
        async with self.nothing_changes():
            self.assertEqual((await self.browser.post(remove)).status_code, 409)
            self.assertEqual((await self.add(("a.jpg", PHOTO))).status_code, 409)
        page = await self.browser.get(self.address)
        self.assertNotIn("/remove", page.text)
        self.assertNotIn('type="file"', page.text)

    async def test_a_difference_from_the_invoice_is_said(self) -> None:
        await self.new_receipt(self.ada, self.number, amount=Decimal("25.00"), currency="EUR")
        page = await self.browser.get(self.address)
        self.assertIn("The invoice says €25.00, the ticket €20.00.", page.text)
