"""Employees at work in the portal."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import BrowserTestCase, Screens, days_ago
from tests.harness import PASSWORD

LONG_WORD = "w" * 500
LONG_LINK = "https://example.com/" + "y" * 1900


def tickets_on(page: Page) -> Locator:
    """The head of the list and its tickets, without the months between them."""
    return page.locator(".tickets tr:not(.month)")


class Filing(BrowserTestCase):
    def test_registering_and_filing_three_tickets_by_keyboard(self) -> None:
        page = self.open()
        self.register(page, "ada@contoso.example")
        for number in range(3):
            expect(page.get_by_label("Amount")).to_be_focused()
            page.keyboard.type(f"1{number},50")
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
            page.keyboard.type(f"Lunch {number}")
            page.keyboard.press("Tab")
            for _ in range(2):
                page.keyboard.press("ArrowRight")
            expect(page.get_by_role("radio", name="Meals")).to_be_checked()
            page.get_by_label("Links").focus()
            page.keyboard.type(f"https://example.com/{number}a\nhttps://example.com/{number}b")
            page.keyboard.press("Control+Enter")
            expect(tickets_on(page).nth(1)).to_contain_text(f"Lunch {number}")
        expect(tickets_on(page)).to_have_count(4)
        expect(tickets_on(page).nth(1)).to_contain_text("$12.50")
        expect(tickets_on(page).nth(1).get_by_role("link")).to_have_count(3)

    def test_the_same_without_scripts(self) -> None:
        page = self.open(java_script_enabled=False)
        self.register(page, "ada@contoso.example")
        for number in range(3):
            self.fill(page, amount=f"1{number}.50", description=f"Lunch {number}")
            page.get_by_role("button", name="File ticket").click()
            expect(tickets_on(page).nth(1)).to_contain_text(f"Lunch {number}")
        self.fill(page, amount="12.50", description="Lunch again")
        page.get_by_role("button", name="File ticket").click()
        expect(page.get_by_text("has the same amount and date")).to_be_visible()
        expect(tickets_on(page)).to_have_count(4)
        page.get_by_role("button", name="File it anyway").click()
        expect(tickets_on(page)).to_have_count(5)
        expect(tickets_on(page).nth(1)).to_contain_text("Lunch again")

    def test_a_duplicate_is_named_while_one_types(self) -> None:
        ada = self.person("Ada")
        ticket = ada.file(spent_on=days_ago(0), amount="12.50")
        page = self.open(ada)
        self.fill(page, amount="12.5", description="Lunch again")
        hint = page.get_by_role("link", name=f"Ticket {ticket} has the same amount and date.")
        expect(hint).to_be_visible()
        page.get_by_label("Amount").fill("12.51")
        expect(hint).to_have_count(0)
        expect(page.get_by_role("button", name="File ticket")).to_be_visible()
        page.get_by_label("Links to the purchase").fill("https://receipts.example.com/1")
        expect(page.get_by_text(f"Ticket {ticket} has one of these links.")).to_be_visible()
        page.get_by_role("button", name="File it anyway").click()
        expect(tickets_on(page)).to_have_count(3)
        expect(tickets_on(page).nth(1)).to_contain_text("Lunch again")

    def test_who_types_faster_than_the_hint_is_asked_once(self) -> None:
        ada = self.person("Ada")
        ada.file(spent_on=days_ago(0), amount="12.50")
        page = self.open(ada)
        page.route("**/tickets/duplicates", lambda route: route.abort())
        self.fill(page, amount="12.50", description="Lunch again")
        page.get_by_label("Amount").press("Enter")
        expect(page.get_by_text("so it has not been saved yet")).to_be_visible()
        expect(page.get_by_label("Description")).to_have_value("Lunch again")
        page.get_by_role("button", name="File it anyway").click()
        expect(tickets_on(page)).to_have_count(3)

    def test_a_copy_is_todays(self) -> None:
        ada = self.person("Ada")
        ticket = ada.file(amount="15.00", description="One seat, monthly", links=[])
        page = self.open(ada)
        page.get_by_label(f"Actions for ticket {ticket}").click()
        page.get_by_role("link", name=f"Copy ticket {ticket}").click()
        expect(page.get_by_label("Date")).to_have_value(days_ago(0))
        expect(page.get_by_label("Amount")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_contain_text("is filed")
        expect(tickets_on(page).nth(1)).to_contain_text("One seat, monthly")

    def register(self, page: Page, email: str) -> None:
        page.goto("/login")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in / Register").click()
        page.get_by_label("Your name").fill("Ada")
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_role("heading", name="My tickets")).to_be_visible()

    def fill(self, page: Page, *, amount: str, description: str) -> None:
        page.get_by_label("Amount").fill(amount)
        page.get_by_role("radio", name="Meals").check(force=True)
        page.get_by_label("Description").fill(description)


class OnAPhone(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ada = self.person("Ada")
        self.phone = {"viewport": {"width": 390, "height": 640}, "has_touch": True}

    def test_what_was_filed_is_seen_and_marked(self) -> None:
        for days in range(4):
            self.ada.file(spent_on=days_ago(days))
        page = self.open(self.ada, **self.phone)
        page.get_by_role("link", name="New ticket").click()
        page.get_by_label("Amount").fill("12.34")
        page.get_by_role("radio", name="Meals").check(force=True)
        page.get_by_label("Description").fill("Coffee with a customer")
        page.get_by_label("Date").fill(days_ago(2))
        page.get_by_role("button", name="File ticket").click()
        row = page.locator("tr.fresh")
        expect(row).to_contain_text("Coffee with a customer")
        expect(row).to_be_in_viewport(ratio=1)
        self.assert_accessible(page)

    def test_a_row_is_withdrawn_from_its_menu_once_that_is_confirmed(self) -> None:
        ticket = self.ada.file()
        page = self.open(self.ada, **self.phone)
        page.get_by_label(f"Actions for ticket {ticket}").tap()
        expect(page.get_by_role("link", name="Edit")).to_be_visible()
        self.assert_accessible(page)
        page.get_by_role("link", name="Withdraw…").tap()
        expect(page.get_by_text("No one will decide it")).to_be_visible()
        self.assertEqual(self.ada.ticket(ticket)["status"], "pending")
        page.get_by_role("button", name="Withdraw", exact=True).tap()
        expect(page.get_by_role("status")).to_contain_text("is withdrawn")
        steps = page.get_by_role("list", name="Progress").get_by_role("listitem")
        expect(steps).to_have_text([re.compile("^Filed Ada, "), re.compile("^Withdrawn Ada, ")])
        self.assertEqual(self.ada.ticket(ticket)["status"], "withdrawn")

    def test_editing_is_in_the_place_of_the_details_and_away_from_withdrawing(self) -> None:
        page = self.open(self.ada, **self.phone)
        page.goto(f"/tickets/{self.ada.file()}")
        expect(page.get_by_text("Withdraw this ticket")).to_be_visible()
        page.get_by_role("link", name="Edit").tap()
        card = page.get_by_role("region", name="Ticket", exact=True)
        expect(card.get_by_label("Amount")).to_be_focused()
        expect(card.get_by_role("button", name="Save")).to_be_visible()
        expect(page.get_by_text("Withdraw this ticket")).to_have_count(0)


class Decisions(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ada, self.dana = self.person("Ada"), self.person("Dana", "employer")

    def test_what_was_typed_survives_a_decision(self) -> None:
        ticket = self.ada.file()
        page = self.open(self.ada)
        page.goto(f"/tickets/{ticket}?edit=1")
        page.get_by_label("Amount").fill("99,50")
        page.get_by_label("Description").fill("A better text\nin two lines")
        self.deny(ticket, "No receipt")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("alert")).to_contain_text("already denied by Dana: No receipt")
        expect(page.get_by_text("What you typed was not saved")).to_be_visible()
        page.get_by_role("button", name="Copy into a new ticket").click()
        expect(page.get_by_label("Amount")).to_have_value("99,50")
        expect(page.get_by_label("Description")).to_have_value("A better text\nin two lines")
        expect(page.get_by_text(f"Ticket {ticket} has one of these links.")).to_be_visible()
        page.get_by_role("button", name="File it anyway").click()
        expect(tickets_on(page).nth(1)).to_contain_text("$99.50")
        self.assertEqual(self.ada.ticket(ticket)["amount"], "12.50")

    def test_decisions_are_news_until_the_page_was_looked_at(self) -> None:
        self.deny(self.ada.file(), "No receipt")
        page = self.open(self.ada)
        expect(page.get_by_text("1 ticket was decided since your last visit")).to_be_visible()
        expect(tickets_on(page).nth(1)).to_contain_text("New")
        expect(tickets_on(page).nth(1)).to_contain_text("No receipt")
        page.reload()
        expect(page.get_by_text("1 ticket was decided since your last visit")).to_be_visible()
        expect(page.get_by_role("button", name="Mark as seen")).to_be_hidden()
        page.reload()
        expect(page.get_by_text("since your last visit")).to_have_count(0)

    def test_suspended_in_the_middle_of_typing(self) -> None:
        page = self.open(self.ada)
        page.get_by_role("radio", name="Meals").check(force=True)
        page.get_by_label("Description").fill("Lunch")
        self.dana.api.post(f"/api/employees/{self.ada.id}/suspend").raise_for_status()
        with page.expect_response("**/tickets/duplicates"):
            page.get_by_label("Amount").fill("12.50")
        page.get_by_role("button", name="File ticket").click()
        expect(page.get_by_text("Your session has ended")).to_be_visible()
        self.log_in_again(page)
        expect(page.get_by_text("This account is suspended")).to_be_visible()

    def log_in_again(self, page: Page) -> None:
        page.get_by_label("E-mail").fill(self.ada.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in / Register").click()

    def deny(self, ticket: int, reason: str) -> None:
        answer = self.dana.api.post(f"/api/tickets/{ticket}/deny", json={"reason": reason})
        answer.raise_for_status()


class EveryPage(BrowserTestCase):
    """axe on every page of one's tickets: on a small dark screen, and on a large light one."""

    screens: Screens = ()

    def check_every_page(self) -> None:
        ada, dana = self.person("Ada Ørsted"), self.person("Dana" * 20, "employer")
        pending = ada.file(description=LONG_WORD, links=[LONG_LINK])
        ada.file(description="מחיר 100% 👩‍👩‍👧 <b>", currency="KWD", amount="9999999999.99")
        denied, taken = ada.file(spent_on=days_ago(1)), ada.file(spent_on=days_ago(2))
        dana.api.post(f"/api/tickets/{denied}/deny", json={"reason": LONG_WORD})
        ada.api.patch(f"/api/tickets/{taken}", json={"description": LONG_WORD[1:]})
        for width, scheme in self.screens:
            page = self.open(ada, viewport={"width": width, "height": 900}, color_scheme=scheme)
            with self.subTest(width=width, scheme=scheme):
                self.check(page, pending, denied)

    def check(self, page: Page, pending: int, denied: int) -> None:
        for path in (
            "/tickets",
            "/tickets?q=nothing&status=approved",
            "/tickets?status=denied",
            f"/tickets?copy={pending}",
            f"/tickets/{pending}",
            f"/tickets/{pending}?edit=1",
            f"/tickets/{denied}",
        ):
            page.goto(path)
            self.assert_accessible(page)
        page.goto(f"/tickets?copy={pending}")
        page.get_by_label("Amount").fill("1,200")
        page.get_by_role("button", name="File ticket").click()
        expect(page.get_by_text("could mean two amounts")).to_be_visible()
        self.assert_accessible(page)
        page.get_by_label("Amount").fill("1200")
        expect(page.get_by_text("has one of these links")).to_be_visible()
        self.assert_accessible(page)
        self.edit_what_is_decided(page, denied)
        expect(page.get_by_text("What you typed was not saved")).to_be_visible()
        self.assert_accessible(page)

    def edit_what_is_decided(self, page: Page, denied: int) -> None:
        """As a form that was opened before the decision does."""
        page.evaluate(
            """([address, text]) => {
                const form = Object.assign(document.createElement("form"), {
                    method: "post", action: address });
                for (const name of ["description", "links", "amount"]) {
                    const input = document.createElement("input");
                    Object.assign(input, { name, value: name === "amount" ? "9" : text });
                    form.append(input);
                }
                document.body.append(form);
                form.submit();
            }""",
            [f"/tickets/{denied}", LONG_LINK],
        )
