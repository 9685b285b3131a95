"""Friday: an employer pays what is due, while a colleague goes on approving."""

from playwright.sync_api import expect

from tests.browser.harness import BrowserTestCase


class Friday(BrowserTestCase):
    def test_from_everything_due_to_paid_and_void(self) -> None:
        ada, dana, priya = (
            self.person("Ada"),
            self.person("Dana", "employer"),
            self.person("Priya", "employer"),
        )
        tickets = [ada.file(currency="SEK", description=f"Train {each}") for each in range(3)]
        for ticket in tickets[:2]:
            priya.api.post(f"/api/tickets/{ticket}/approve").raise_for_status()
        page = self.open(dana, java_script_enabled=False)
        page.goto("/admin/payments")
        page.get_by_role("button", name="Pay SEK…").click()
        expect(page.get_by_role("status")).to_contain_text("is drafted with 2 tickets.")
        # What a colleague approves meanwhile is for the next run.
        priya.api.post(f"/api/tickets/{tickets[2]}/approve").raise_for_status()
        page.get_by_role("button", name="Confirm 2 tickets").click()
        expect(page.get_by_role("status")).to_contain_text("2 tickets are confirmed.")
        expect(page.locator(f"tr[data-ticket='{tickets[2]}']")).to_have_count(0)
        page.get_by_label("The bank's reference (optional)").fill("SEPA 4711")
        page.get_by_role("button", name="Mark all 2 tickets as paid").click()
        expect(page.get_by_role("status")).to_contain_text("2 tickets are paid.")
        expect(page.get_by_role("list", name="Progress")).to_contain_text("SEPA 4711")
        payments = [ada.ticket(ticket)["payment"] for ticket in tickets]
        self.assertEqual(payments, ["paid", "paid", "due"])
        page.get_by_text("Void this payment run").click()
        page.get_by_label("Reason").fill("Returned by the bank")
        page.get_by_role("button", name="Void the run").click()
        expect(page.get_by_role("list", name="Progress")).to_contain_text("Returned by the bank")
        self.assertEqual(ada.ticket(tickets[0])["payment"], "due")

    def test_selected_tickets_are_paid_from_the_list(self) -> None:
        ada, dana = self.person("Ada"), self.person("Dana", "employer")
        tickets = [ada.file(currency="NOK", description=f"Boat {each}") for each in range(2)]
        for ticket in tickets:
            dana.api.post(f"/api/tickets/{ticket}/approve").raise_for_status()
        page = self.open(dana)
        page.goto("/admin/ticket/list?status=due&currency=NOK")
        bar = page.get_by_role("form", name="Selected tickets")
        expect(bar).to_be_hidden()
        page.get_by_label(f"Select ticket {tickets[0]}").check()
        expect(bar).to_contain_text("1 selected")
        bar.get_by_role("button", name="Pay…").click()
        expect(page.get_by_role("status")).to_contain_text("is drafted with 1 ticket.")
        expect(page.locator(f"tr[data-ticket='{tickets[0]}']")).to_be_visible()
