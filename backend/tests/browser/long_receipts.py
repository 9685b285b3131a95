"""Receipts: photographed, dropped, pasted and chosen; read into the form; seen when deciding."""

import re
from base64 import b64encode
from typing import Any

from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.harness import BrowserTestCase, Person
from tests.harness import PASSWORD
from tests.receipts.documents import EPC, cii, encoded, factur_x, pdf, photo, swiss_qr

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "color_scheme": "dark",
}
# Files that people drag or copy exist only in a script.
HAND_OVER = """
([type, name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  const options = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
  const event = type === "paste" ? new ClipboardEvent(type, options) : new DragEvent(type, options);
  return document.body.dispatchEvent(event);
}
"""


def a_file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def picture(colour: str = "#ccc") -> bytes:
    return encoded(Image.new("RGB", (300, 400), colour), "PNG")


INVOICE = a_file("invoice.pdf", factur_x(cii()))


class ReceiptTestCase(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ada = self.person("Ada")

    def add(self, page: Page, *files: FilePayload) -> None:
        page.get_by_label("Add files").set_input_files(files)

    def drafts(self, page: Page) -> Locator:
        return page.locator("[data-drafts] li:has([name=receipts])")

    def describe(self, page: Page) -> None:
        page.get_by_role("radio", name="Meals").evaluate("(radio) => radio.click()")
        page.get_by_label("Description").fill("Lunch with a customer")

    def submit(self, page: Page) -> None:
        page.get_by_role("button", name=re.compile("^File ")).click()
        expect(page.get_by_role("status").first).to_contain_text("is filed")

    def tickets(self) -> list[Any]:
        """The amount of each, the newest first, with the names of its receipts."""
        found = []
        for ticket in self.ada.api.get("/api/tickets").raise_for_status().json()["items"]:
            receipts = self.ada.api.get(f"/api/tickets/{ticket['id']}/receipts").json()["items"]
            found.append((ticket["amount"], [receipt["name"] for receipt in receipts]))
        return found


class Filing(ReceiptTestCase):
    def test_a_photo_on_a_phone(self) -> None:
        page = self.open(self.ada, **PHONE)
        page.get_by_role("link", name="New ticket").tap()
        page.wait_for_url("**?new=1")
        self.assert_accessible(page)
        camera = page.get_by_label("Take a photo")
        expect(camera).to_have_attribute("capture", "environment")
        camera.set_input_files(a_file("photo.png", encoded(photo(EPC), "PNG")))
        expect(self.drafts(page)).to_have_count(1)
        expect(page.get_by_label("Amount")).to_have_value("123.45")
        self.assert_accessible(page)
        self.describe(page)
        self.submit(page)
        self.assertEqual(self.tickets(), [("123.45", ["photo.png"])])

    def test_an_invoice_fills_in_the_form_until_it_is_changed_by_hand(self) -> None:
        page = self.open(self.ada)
        self.add(page, INVOICE)
        expect(page.get_by_text("Reading…")).to_be_visible()
        expect(page.get_by_label("Amount")).to_have_value("119.00")
        expect(page.get_by_label("Currency")).to_have_value("EUR")
        expect(page.get_by_label("Date")).to_have_value("2026-11-02")
        expect(page.get_by_label("Merchant")).to_have_value("Northwind Traders GmbH")
        expect(page.get_by_text("From the invoice")).to_have_count(4)
        self.assert_accessible(page)
        page.get_by_label("Amount").fill("100")
        expect(page.get_by_text("From the invoice")).to_have_count(3)
        self.describe(page)
        self.submit(page)
        self.assertEqual(self.tickets(), [("100.00", ["invoice.pdf"])])

    def test_what_was_typed_meanwhile_stays_and_nothing_is_filed_before_it_is_read(self) -> None:
        page = self.open(self.ada)
        self.add(page, INVOICE)
        page.get_by_label("Amount").fill("7")
        page.get_by_label("Amount").press("Enter")
        expect(page.get_by_role("button", name="File ticket")).to_be_disabled()
        expect(self.drafts(page)).to_have_count(1)
        expect(page.get_by_label("Merchant")).to_have_value("Northwind Traders GmbH")
        expect(page.get_by_label("Amount")).to_have_value("7")
        expect(page.get_by_role("button", name="File ticket")).to_be_enabled()
        self.assertEqual(self.tickets(), [])

    def test_pasted_and_dropped(self) -> None:
        page = self.open(self.ada)
        for number, way in enumerate(("paste", "drop"), start=1):
            content = picture(f"#{number}{number}{number}")
            page.evaluate(HAND_OVER, [way, f"{way}.png", b64encode(content).decode()])
            expect(self.drafts(page)).to_have_count(number)
        self.describe(page)
        page.get_by_label("Amount").fill("5")
        self.submit(page)
        self.assertEqual(self.tickets(), [("5.00", ["paste.png", "drop.png"])])

    def test_each_a_ticket_of_its_own(self) -> None:
        second = factur_x(cii(number="2", total="20.00", due="20.00"), pdf([(50, 700, "Two")]))
        page = self.open(self.ada)
        self.add(page, INVOICE, a_file("second.pdf", second))
        expect(page.get_by_label("Amount")).to_have_value("139.00")
        page.get_by_label("File each receipt").check()
        for amount in ("119.00", "20.00"):
            expect(page.get_by_label("Amount")).to_have_value(amount)
            self.describe(page)
            self.submit(page)
        self.assertEqual(self.tickets(), [("20.00", ["second.pdf"]), ("119.00", ["invoice.pdf"])])

    def test_a_removed_receipt_takes_what_it_said_with_it(self) -> None:
        page = self.open(self.ada)
        self.add(page, INVOICE)
        expect(page.get_by_label("Amount")).to_have_value("119.00")
        page.get_by_label("Description").fill("Cables")
        page.get_by_role("button", name="Remove invoice.pdf").press("Enter")
        expect(self.drafts(page)).to_have_count(0)
        expect(page.get_by_label("Amount")).to_have_value("")
        expect(page.get_by_label("Description")).to_have_value("Cables")
        expect(page.get_by_label("Add files")).to_be_focused()

    def test_the_same_invoice_twice(self) -> None:
        ben = self.person("Ben")
        self.claim(ben)
        earlier = self.claim(self.ada)
        page = self.open(self.ada)
        self.add(page, INVOICE)
        receipt = self.drafts(page)
        expect(receipt).to_contain_text("This file was filed before.")
        expect(receipt.get_by_role("link", name=f"ticket {earlier}")).to_be_visible()
        expect(receipt).not_to_contain_text("Ben")
        self.assert_accessible(page)

    def test_what_cannot_be_read_and_what_contradicts_itself(self) -> None:
        both = factur_x(cii(), pdf([(50, 700, "Invoice")], swiss_qr()))
        page = self.open(self.ada)
        page.get_by_label("Description").fill("Cables")
        self.add(page, a_file("broken.png", picture()[:90]), a_file("both.pdf", both))
        expect(page.get_by_text("broken.png: This file is damaged")).to_be_visible()
        expect(page.get_by_text("both.pdf contradicts itself")).to_contain_text("€119.00; Robert")
        expect(page.get_by_label("Amount")).to_have_value("")
        expect(page.get_by_label("Description")).to_have_value("Cables")
        self.assert_accessible(page)

    def test_offline_and_again(self) -> None:
        page = self.open(self.ada)
        page.context.set_offline(True)
        self.add(page, INVOICE)
        expect(page.get_by_text("The file could not be sent.")).to_be_visible()
        expect(page.locator("[data-drafts] li")).to_have_count(0)
        self.assert_accessible(page)
        page.context.set_offline(False)
        self.add(page, INVOICE)
        expect(page.get_by_label("Amount")).to_have_value("119.00")
        expect(page.get_by_text("The file could not be sent.")).to_be_hidden()

    def test_coming_back_to_what_waits_loses_nothing(self) -> None:
        page = self.open(self.ada)
        self.add(page, INVOICE)
        expect(self.drafts(page)).to_have_count(1)
        page.goto("/tickets")
        page.get_by_label("Description").fill("Cables")
        page.get_by_role("link", name="1 receipt is waiting for its ticket").click()
        expect(page.get_by_label("Amount")).to_have_value("119.00")
        expect(page.get_by_label("Description")).to_have_value("Cables")
        expect(page.get_by_text("is waiting for its ticket")).to_have_count(0)

    def test_the_session_had_ended(self) -> None:
        page = self.open(self.ada)
        page.get_by_label("Amount").fill("12.50")
        self.describe(page)
        page.context.clear_cookies()
        self.add(page, INVOICE)
        page.wait_for_url(lambda url: "/login" in url)
        page.get_by_label("E-mail").fill(self.ada.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in / Register").click()
        expect(page.get_by_label("Amount")).to_have_value("12.50")
        expect(page.get_by_label("Description")).to_have_value("Lunch with a customer")

    def test_without_scripts(self) -> None:
        page = self.open(self.ada, java_script_enabled=False)
        self.add(page, INVOICE, a_file("broken.png", picture()[:90]))
        page.get_by_label("Description").fill("Cables")
        page.get_by_role("button", name="Fill in from the files").click()
        expect(page.get_by_text("broken.png: This file is damaged")).to_be_visible()
        expect(page.get_by_label("Amount")).to_have_value("119.00")
        # Enter files, and removes nothing.
        page.get_by_role("radio", name="Meals").check(force=True)
        page.get_by_label("Amount").press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("is filed")
        self.assertEqual(self.tickets(), [("119.00", ["invoice.pdf"])])

    def claim(self, person: Person) -> int:
        number = person.file(amount="119.00", currency="EUR", links=[])
        content = {"file": ("invoice.pdf", INVOICE["buffer"])}
        person.api.post(f"/api/tickets/{number}/receipts", files=content).raise_for_status()
        return number


class Pending(ReceiptTestCase):
    def test_a_receipt_is_added_turned_and_removed(self) -> None:
        number = self.ada.file()
        page = self.open(self.ada, **PHONE)
        page.goto(f"/tickets/{number}")
        page.get_by_label("Files").set_input_files(a_file("lunch.pdf", pdf(pages=3)))
        page.get_by_role("button", name="Add").tap()
        expect(page.get_by_text("3 pages")).to_be_visible()
        self.assert_accessible(page)
        pages = page.get_by_role("group", name="Pages of lunch.pdf")
        size = "(pages) => [pages.offsetWidth, pages.offsetHeight]"
        before = pages.evaluate(size)
        page.get_by_role("button", name="Turn").tap()
        expect(pages).to_have_attribute("data-turned", "90")
        page.get_by_role("button", name="Enlarge").tap()
        expect(page.get_by_role("button", name="Enlarge")).to_have_attribute("aria-pressed", "true")
        self.assertEqual(pages.evaluate(size), before)
        self.assert_accessible(page)
        page.get_by_label("Remove lunch.pdf…").tap()
        page.get_by_role("button", name="Remove this receipt").tap()
        expect(page.get_by_text("The receipt was removed.")).to_be_visible()
        expect(pages).to_have_count(0)


class Deciding(ReceiptTestCase):
    def test_with_the_receipt_in_view(self) -> None:
        dana = self.person("Dana", "employer")
        tickets = [self.ada.file(description=f"Lunch {number}") for number in range(2)]
        for number, colour in zip(tickets, ("#a00", "#0a0"), strict=True):
            files = {"file": (f"{number}.png", picture(colour))}
            self.ada.api.post(f"/api/tickets/{number}/receipts", files=files).raise_for_status()
        page = self.open(dana, viewport={"width": 1280, "height": 800})
        first, second = (page.get_by_role("group", name=f"Pages of {n}.png") for n in tickets)
        # The picture of the next one comes ahead.
        with page.expect_response(re.compile(f"/{tickets[1]}/receipts/.*/preview")):
            page.keyboard.press("j")
        expect(first).to_be_visible()
        self.assert_accessible(page)
        page.keyboard.press("v")
        expect(first).to_be_hidden()
        page.keyboard.press("v")
        expect(first).to_be_visible()
        page.wait_for_timeout(400)
        page.keyboard.press("a")
        expect(second).to_be_visible()
        row = page.locator(f"tr[data-ticket='{tickets[0]}']")
        expect(row).to_contain_text("Approved")
        self.assertEqual(dana.ticket(tickets[0])["status"], "approved")
