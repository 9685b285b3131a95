"""Forms that are sent twice, late, or from two places: one ticket, and nothing typed is lost."""

from typing import Any

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.harness import BrowserTestCase, Person
from tests.harness import PASSWORD


class TicketForm(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ada = self.person("Ada")

    def test_going_back_after_filing_and_sending_it_again(self) -> None:
        page = self.open(self.ada)
        self.fill(page)
        self.send(page)
        expect(page.get_by_role("status").first).to_contain_text("is filed")
        page.go_back()
        self.fill(page)
        self.send(page)
        page.wait_for_load_state()
        self.assert_one_ticket()

    def test_a_double_click(self) -> None:
        page = self.open(self.ada)
        self.fill(page)
        page.get_by_role("button", name="File ticket").dblclick()
        expect(page.get_by_role("status").first).to_contain_text("is filed")
        self.assert_one_ticket()

    def test_what_was_sent_after_the_session_had_ended_is_still_there(self) -> None:
        page = self.open(self.ada)
        self.fill(page)
        self.end_session(self.ada)
        self.send(page)
        expect(page.get_by_text("Your session has ended")).to_be_visible()
        self.assertEqual(self.tickets(self.ada), [])
        page.get_by_label("E-mail").fill(self.ada.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in / Register").click()
        expect(page.get_by_label("Description")).to_have_value("Lunch with a customer")
        expect(page.get_by_label("Amount")).to_have_value("12.50")
        self.send(page)
        expect(page.get_by_role("status").first).to_contain_text("is filed")
        page.goto("/tickets")
        expect(page.get_by_label("Description")).to_have_value("")

    def test_it_is_not_shown_to_somebody_else(self) -> None:
        ben = self.person("Ben")
        page = self.open(self.ada)
        self.fill(page)
        self.end_session(self.ada)
        self.send(page)
        expect(page.get_by_text("Your session has ended")).to_be_visible()
        self.log_in(page, ben)
        expect(page.get_by_role("heading", name="My tickets")).to_be_visible()
        expect(page.get_by_label("Description")).to_have_value("")

    def test_a_form_that_the_browser_fills_in(self) -> None:
        page = self.open(self.ada)
        page.evaluate(
            """(values) => {
                for (const [name, value] of Object.entries(values))
                    document.querySelector("[data-duplicates]").elements[name].value = value;
            }""",
            {"amount": "12.50", "category": "meals", "description": "Lunch with a customer"},
        )
        self.send(page)
        expect(page.get_by_role("status").first).to_contain_text("is filed")
        self.assert_one_ticket()

    def test_an_import_that_was_sent_after_the_session_had_ended(self) -> None:
        page = self.open(self.ada)
        page.goto("/tickets/import")
        content = b"date,amount,category,description\n2026-11-02,x,meals,Tea\n"
        file: FilePayload = {"name": "tea.csv", "mimeType": "text/csv", "buffer": content}
        page.get_by_label("CSV, Excel").set_input_files(file)
        page.get_by_role("button", name="Check the file").click()
        page.get_by_label("Amount").last.fill("4.50")
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_role("button", name="File 1 ticket")).to_be_visible()
        self.end_session(self.ada)
        page.get_by_role("button", name="File 1 ticket").click()
        expect(page.get_by_text("Your session has ended")).to_be_visible()
        page.get_by_label("E-mail").fill(self.ada.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in / Register").click()
        page.get_by_role("button", name="Continue").click()
        page.get_by_role("button", name="File 1 ticket").click()
        expect(page.get_by_role("status").first).to_contain_text("1 ticket is filed.")
        self.assertEqual([one["amount"] for one in self.tickets(self.ada)], ["4.50"])
        page.goto("/tickets/import")
        expect(page.get_by_role("button", name="Continue")).to_be_hidden()

    def test_two_tabs_that_edit_one_ticket(self) -> None:
        ticket = self.ada.file()
        first, second = self.open(self.ada), self.open(self.ada)
        for page in (first, second):
            page.goto(f"/tickets/{ticket}?edit=1")
        first.get_by_label("Amount").fill("20.00")
        first.get_by_role("button", name="Save").click()
        expect(first.get_by_role("status")).to_contain_text("is saved")
        second.get_by_label("Description").fill("Dinner")
        second.get_by_role("button", name="Save").click()
        expect(second.get_by_role("alert")).to_contain_text("has changed since you saw it")
        expect(second.get_by_label("Description")).to_have_value("Dinner")
        self.assertEqual(self.ada.ticket(ticket)["amount"], "20.00")
        second.get_by_label("Amount").fill("20.00")
        second.get_by_role("button", name="Save").click()
        expect(second.get_by_role("status")).to_contain_text("is saved")
        saved = self.ada.ticket(ticket)
        self.assertEqual((saved["amount"], saved["description"]), ("20.00", "Dinner"))

    def fill(self, page: Page) -> None:
        page.get_by_label("Amount").fill("12.50")
        page.get_by_role("radio", name="Meals").check(force=True)
        page.get_by_label("Description").fill("Lunch with a customer")

    def send(self, page: Page) -> None:
        page.locator("[data-duplicates] button[type=submit]").click()

    def end_session(self, person: Person) -> None:
        """The one of the browser, by a new password; then a program logs in."""
        change = {"old": PASSWORD, "new": PASSWORD}
        session = {"email": person.email, "password": PASSWORD}
        token = person.api.post("/api/session", json=session).raise_for_status().json()["token"]
        person.api.headers["Authorization"] = f"Bearer {token}"
        person.api.post("/api/me/password", json=change).raise_for_status()

    def tickets(self, person: Person) -> list[Any]:
        items: list[Any] = person.api.get("/api/tickets").raise_for_status().json()["items"]
        return items

    def assert_one_ticket(self) -> None:
        self.assertEqual(len(self.tickets(self.ada)), 1)
