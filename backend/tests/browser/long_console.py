"""The rest of what employers do in the console."""

from playwright.sync_api import expect

from tests.browser.harness import BrowserTestCase
from tests.browser.test_console import QueueTestCase


class Queue(QueueTestCase):
    def test_a_decision_that_does_not_arrive_is_said(self) -> None:
        [ticket] = self.lunches(1)
        page = self.open(self.dana)
        page.context.set_offline(True)
        page.get_by_role("button", name=f"Approve ticket {ticket}").click()
        expect(page.get_by_role("status")).to_contain_text("cannot be reached")
        page.context.set_offline(False)
        page.get_by_role("button", name=f"Approve ticket {ticket}").click()
        expect(self.row(page, ticket)).to_contain_text("Approved")
        self.assertEqual(self.status_of(ticket), ["approved"])

    def test_list_and_ticket_stand_side_by_side(self) -> None:
        tickets = self.lunches(2)
        page = self.open(self.dana, viewport={"width": 1280, "height": 900})
        listed = page.url
        expect(page.get_by_text("Choose a ticket")).to_be_visible()
        # Anywhere in the row.
        self.row(page, tickets[1]).get_by_text("filed").click()
        expect(page.get_by_role("article")).to_contain_text("Lunch 1")
        self.assertIn(f"/admin/ticket/details/{tickets[1]}", page.url)
        page.go_back()
        self.assertEqual(page.url, listed)
        expect(page.get_by_text("Choose a ticket")).to_be_visible()
        page.go_forward()
        expect(page.get_by_role("article")).to_contain_text("Lunch 1")
        page.reload()
        expect(page.get_by_role("article")).to_contain_text("Lunch 1")
        self.assert_current(page, tickets[1])
        page.get_by_label("Reason").fill("Seen on the right")
        page.locator("#ticket").get_by_role("button", name="Deny").click()
        expect(self.row(page, tickets[1])).to_contain_text("Denied")
        self.assertEqual(self.ada.ticket(tickets[1])["decision"]["reason"], "Seen on the right")

    def test_on_a_narrow_screen_and_without_scripts_a_ticket_is_a_page(self) -> None:
        tickets = self.lunches(2)
        page = self.open(self.dana, java_script_enabled=False)
        page.locator("a.description").first.click()
        page.get_by_role("article").get_by_role("button", name="Approve").click()
        expect(page.get_by_role("status").first).to_have_text(f"Ticket {tickets[0]} is approved.")
        expect(page.get_by_role("article")).to_contain_text("Lunch 1")
        narrow = self.open(self.dana, viewport={"width": 390, "height": 844})
        # Where nothing can hover over them, the buttons of a row say what they do.
        for verb in ("Approve", "Deny"):
            button = narrow.get_by_label(f"{verb} ticket {tickets[1]}")
            expect(button).to_have_css("content", f'"{verb}"', pseudo="after")
        narrow.locator("a.description").first.click()
        expect(narrow.get_by_role("link", name="Back to the list")).to_be_visible()
        narrow.get_by_role("article").get_by_role("button", name="Approve").click()
        expect(narrow.get_by_text("Nothing is waiting for a decision")).to_be_visible()
        self.assertEqual(self.status_of(*tickets), ["approved", "approved"])

    def test_search_while_one_types_and_back(self) -> None:
        for description in ("Train to Turin", "Zug nach Türkenfeld", "Boat"):
            self.ada.file(description=description)
        page = self.open(self.dana)
        page.get_by_role("searchbox", name="Search").type("turi")
        expect(page.locator("tr[data-ticket]")).to_have_count(1)
        expect(page.locator("mark")).to_have_text("Turi")
        page.get_by_role("searchbox", name="Search").fill("tük")
        expect(page.get_by_text("Nothing matches")).to_be_visible()
        page.get_by_role("searchbox", name="Search").fill("türk")
        expect(page.locator("mark")).to_have_text("Türk")
        self.assertIn("q=t%C3%BCrk", page.url)
        page.get_by_role("button", name="Approve ticket").click()
        expect(page.locator("tr[data-ticket]").first).to_contain_text("Approved")
        page.goto("/admin/ticket/list?q=boat&status=denied")
        page.get_by_role("link", name="Pending 1").last.click()
        expect(page.locator("tr[data-ticket]")).to_have_count(1)
        page.get_by_role("link", name="Remove the filter Search").click()
        expect(page.locator("tr[data-ticket]")).to_have_count(2)

    def test_a_filter_is_named_opened_and_removed(self) -> None:
        for description in ("Train to Turin", "Boat to Bergen"):
            self.ada.file(description=description)
        for has_script in (True, False):
            page = self.open(self.dana, java_script_enabled=has_script)
            page.goto("/admin/ticket/list?q=train")
            page.get_by_text("Save filter…").click()
            page.get_by_label("Name of the filter").fill("Trains")
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.get_by_role("status").first).to_contain_text("“Trains” is saved")
            saved = page.get_by_role("navigation", name="Saved filters").get_by_role("link")
            expect(saved).to_have_attribute("aria-current", "page")
            page.goto("/admin/ticket/list")
            expect(page.locator("tr[data-ticket]")).to_have_count(2)
            saved.click()
            expect(page.locator("tr[data-ticket]")).to_have_count(1)
            page.get_by_role("button", name="Remove the saved filter Trains").click()
            expect(saved).to_have_count(0)
            page.get_by_role("button", name="Undo").click()
            expect(saved).to_have_text("Trains")
            if has_script:
                self.assert_accessible(page)
            page.get_by_role("button", name="Remove the saved filter Trains").click()

    def test_what_one_types_can_be_saved_and_the_palette_finds_it(self) -> None:
        self.ada.file(description="Train to Turin")
        page = self.open(self.dana)
        page.get_by_role("searchbox", name="Search").fill("turin")
        page.get_by_text("Save filter…").click()
        page.get_by_label("Name of the filter").fill("To Italy")
        page.keyboard.press("Escape")
        expect(page.get_by_label("Name of the filter")).to_be_hidden()
        page.get_by_text("Save filter…").click()
        page.get_by_label("Name of the filter").press("Enter")
        page.get_by_role("link", name="Clear all").click()
        page.wait_for_url("**/admin/ticket/list?status=pending")
        page.keyboard.press("Control+k")
        page.get_by_role("searchbox", name="Page, employee").fill("italy")
        expect(page.locator("#palette a").first).to_have_text("To Italy")
        page.keyboard.press("Enter")
        page.wait_for_url("**/admin/ticket/list?q=turin&status=pending")

    def test_the_palette_leads_to_pages_employees_and_tickets(self) -> None:
        ticket = self.ada.file()
        page = self.open(self.dana)
        for typed, target in (
            ("overv", "/admin/overview"),
            ("ada", f"/admin/employee/details/{self.ada.id}"),
            (f"#{ticket}", f"/admin/ticket/details/{ticket}?status=all"),
        ):
            page.keyboard.press("Control+k")
            page.get_by_role("searchbox", name="Page, employee").fill(typed)
            expect(page.locator(f"#palette a[href='{target}']")).to_be_visible()
            page.keyboard.press("Enter")
            page.wait_for_url(f"**{target}")

    def test_what_changed_since_the_list_is_left_out_and_named(self) -> None:
        tickets = self.lunches(3, amount="3.00")
        page = self.open(self.dana)
        for box in page.get_by_role("checkbox", name="Select ticket").all():
            box.check()
        changed = {"amount": "8888.00", "description": "Laptop"}
        self.ada.api.patch(f"/api/tickets/{tickets[0]}", json=changed).raise_for_status()
        page.get_by_role("button", name="Approve…").click()
        expect(page.get_by_role("alert")).to_contain_text("1 ticket was changed after you opened")
        expect(page.get_by_role("alert")).to_contain_text("$8,888.00 · Laptop")
        page.get_by_role("button", name="Approve 2 tickets").click()
        expect(page.get_by_role("heading", name="2 approved")).to_be_visible()
        self.assertEqual(self.status_of(*tickets), ["pending", "approved", "approved"])

    def test_selected_ones_are_added_up_and_decided_together(self) -> None:
        tickets = self.lunches(4)
        page = self.open(self.dana)
        expect(page.locator("#bulk")).to_be_hidden()
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.get_by_label(f"Select ticket {tickets[2]}").check()
        expect(page.locator("[data-selected]")).to_have_text("2 selected · $25.00")
        page.get_by_role("button", name="Clear", exact=True).click()
        expect(page.locator("#bulk")).to_be_hidden()
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.keyboard.press("k")
        page.keyboard.press("Shift+x")
        page.get_by_role("button", name="Approve…").click()
        page.get_by_role("button", name="Approve 2 tickets").click()
        expect(page.get_by_role("heading", name="2 approved")).to_be_visible()
        self.assertEqual(self.status_of(*tickets).count("approved"), 2)


class History(BrowserTestCase):
    def test_names_are_suggested_while_one_types(self) -> None:
        ada, dana = self.person("Ada"), self.person("Dana", "employer")
        ticket = ada.file()
        dana.api.post(f"/api/tickets/{ticket}/approve")
        page = self.open(dana)
        page.goto("/admin/history")
        for typed, person in (("ad", ada), ("dan", dana)):
            page.get_by_label("Done by").fill("")
            page.get_by_label("Done by").type(typed)
            expect(page.locator(f"#actors option[value='{person.email}']")).to_be_attached()
        page.get_by_label("Done by").fill(dana.email)
        page.get_by_role("button", name="Show").click()
        expect(page.locator("tr[data-event]").first).to_contain_text(f"approved ticket {ticket}")
