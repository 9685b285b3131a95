"""Employers at work in the console."""

from playwright.sync_api import Page, expect

from tests.browser.harness import BrowserTestCase, Screens, days_ago


class Queue(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ada, self.dana = self.person("Ada"), self.person("Dana", "employer")

    def test_by_mouse(self) -> None:
        tickets = [self.ada.file(description=f"Lunch {number}") for number in range(3)]
        page = self.open(self.dana)
        expect(page.get_by_role("row")).to_have_count(4)
        page.get_by_role("button", name=f"Approve ticket {tickets[0]}").click()
        expect(page.get_by_role("status")).to_have_text(f"Ticket {tickets[0]} is approved.")
        page.locator("summary", has_text="Deny").first.click()
        page.get_by_label("Reason").first.fill("Not a business lunch")
        page.get_by_role("button", name="Deny with this reason").click()
        expect(page.get_by_role("status")).to_have_text(f"Ticket {tickets[1]} is denied.")
        expect(page.get_by_role("row")).to_have_count(2)
        self.assertEqual(self.ada.ticket(tickets[0])["status"], "approved")
        denied = self.ada.ticket(tickets[1])
        self.assertEqual(denied["decision"]["reason"], "Not a business lunch")
        self.assertEqual(self.ada.ticket(tickets[2])["status"], "pending")

    def test_by_keyboard(self) -> None:
        tickets = [self.ada.file(description=f"Lunch {number}") for number in range(3)]
        page = self.open(self.dana)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(page.locator("tr[data-current]")).to_have_attribute("data-ticket", str(tickets[1]))
        page.keyboard.press("a")
        expect(page.get_by_role("status")).to_have_text(f"Ticket {tickets[1]} is approved.")
        expect(page.locator("tr[data-current]")).to_have_attribute("data-ticket", str(tickets[2]))
        page.keyboard.press("k")
        expect(page.locator("tr[data-current]")).to_have_attribute("data-ticket", str(tickets[0]))
        page.keyboard.press("d")
        expect(page.get_by_label("Reason").locator("visible=true")).to_be_focused()
        # Inside a field the keys are letters.
        page.keyboard.type("a jolly dinner, kept")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text(f"Ticket {tickets[0]} is denied.")
        self.assertEqual(self.ada.ticket(tickets[0])["decision"]["reason"], "a jolly dinner, kept")
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox")).to_be_focused()

    def test_a_decision_keeps_the_question_and_back_works(self) -> None:
        for number in range(2):
            self.ada.file(description=f"Train {number}")
        self.ada.file(description="Boat")
        page = self.open(self.dana)
        page.get_by_role("searchbox").fill("train")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("row")).to_have_count(3)
        asked = page.url
        page.get_by_role("button", name="Approve ticket").first.click()
        expect(page.get_by_role("status")).to_be_visible()
        self.assertEqual(page.url, asked)
        expect(page.get_by_role("row")).to_have_count(2)
        page.locator("a[data-open]").click()
        page.go_back()
        self.assertEqual(page.url, asked)

    def test_denying_all_that_match_a_filter(self) -> None:
        for number in range(55):
            self.ada.file(description=f"Train {number}", amount="2.00")
        boat = self.ada.file(description="Boat")
        page = self.open(self.dana)
        page.goto("/admin/ticket/list?q=train")
        page.get_by_label("Select all").check()
        page.get_by_role("button", name="Deny selected…").click()
        expect(page.get_by_text("55 tickets").first).to_be_visible()
        expect(page.get_by_text("$110.00")).to_be_visible()
        page.get_by_label("Reason, for all of them").fill("Trains are booked centrally")
        page.get_by_role("button", name="Deny 55 tickets").click()
        expect(page.get_by_role("heading", name="55 denied")).to_be_visible()
        answer = self.dana.api.get("/api/tickets?status=denied&limit=100").json()
        self.assertEqual(len(answer["items"]), 55)
        self.assertEqual(self.ada.ticket(boat)["status"], "pending")

    def test_what_changed_since_the_list_is_left_out_and_named(self) -> None:
        tickets = [self.ada.file(description=f"Pen {number}", amount="3.00") for number in range(3)]
        page = self.open(self.dana)
        page.get_by_label("Select this page").check()
        changed = {"amount": "8888.00", "description": "Laptop"}
        self.ada.api.patch(f"/api/tickets/{tickets[0]}", json=changed).raise_for_status()
        page.get_by_role("button", name="Approve selected…").click()
        expect(page.get_by_role("alert")).to_contain_text("1 ticket was changed after you opened")
        expect(page.get_by_role("alert")).to_contain_text("$8,888.00 · Laptop")
        page.get_by_role("button", name="Approve 2 tickets").click()
        expect(page.get_by_role("heading", name="2 approved")).to_be_visible()
        statuses = [self.ada.ticket(ticket)["status"] for ticket in tickets]
        self.assertEqual(statuses, ["pending", "approved", "approved"])

    def test_a_ticket_that_is_left_for_later_is_not_met_again(self) -> None:
        tickets = [self.ada.file(description=f"Lunch {number}") for number in range(4)]
        page = self.open(self.dana)
        page.keyboard.press("j")
        page.keyboard.press("j")
        for ticket in tickets[1:3]:
            current = page.locator(f"tr[data-current][data-ticket='{ticket}']")
            expect(current).to_be_visible()
            page.keyboard.press("a")
            expect(page.get_by_role("status")).to_have_text(f"Ticket {ticket} is approved.")
        expect(page.locator("tr[data-current]")).to_have_attribute("data-ticket", str(tickets[3]))
        self.assertEqual(self.ada.ticket(tickets[0])["status"], "pending")

    def test_a_lost_race_is_shown_with_who_was_faster(self) -> None:
        omar = self.person("Omar", "employer")
        ticket = self.ada.file()
        page = self.open(self.dana)
        omar.api.post(f"/api/tickets/{ticket}/deny", json={"reason": "No receipt"})
        page.get_by_role("button", name=f"Approve ticket {ticket}").click()
        expect(page.get_by_role("alert")).to_contain_text("already denied by Omar: No receipt")
        expect(page.locator("h1 .badge")).to_have_text("Denied")
        self.assertEqual(self.ada.ticket(ticket)["status"], "denied")

    def test_selected_ones_are_counted_and_decided_together(self) -> None:
        tickets = [self.ada.file(description=f"Lunch {number}") for number in range(4)]
        page = self.open(self.dana)
        page.keyboard.press("j")
        page.keyboard.press("x")
        page.get_by_label(f"Select ticket {tickets[2]}").check()
        expect(page.locator("[data-selected]")).to_have_text("2")
        page.get_by_role("button", name="Approve selected…").click()
        page.get_by_role("button", name="Approve 2 tickets").click()
        expect(page.get_by_role("heading", name="2 approved")).to_be_visible()
        statuses = [self.ada.ticket(ticket)["status"] for ticket in tickets]
        self.assertEqual(statuses, ["approved", "pending", "approved", "pending"])


class Employees(BrowserTestCase):
    def test_suspend_and_reactivate(self) -> None:
        ada, dana = self.person("Ada"), self.person("Dana", "employer")
        ticket = ada.file(description="Boat to Bergen")
        page, hers = self.open(dana), self.open(ada)
        page.goto(f"/admin/employee/details/{ada.id}")
        self.change(page, "Suspend")
        expect(page.get_by_role("status")).to_contain_text("Ada is suspended")
        page.goto("/admin/ticket/list?status=all")
        expect(page.get_by_text("Boat to Bergen")).to_have_count(0)
        hers.goto("/tickets")
        expect(hers.get_by_text("Your session has ended")).to_be_visible()
        page.goto(f"/admin/employee/details/{ada.id}")
        self.change(page, "Reactivate")
        expect(page.get_by_role("status")).to_contain_text("Ada is active again")
        self.assertEqual(dana.ticket(ticket)["status"], "pending")

    def change(self, page: Page, verb: str) -> None:
        page.get_by_role("main").get_by_role("link", name=verb).click()
        page.get_by_role("button", name=verb).click()


class EveryPage(BrowserTestCase):
    """axe on every page of the console, at both widths and in both colour schemes."""

    screens: Screens = ()

    def check_every_page(self) -> None:
        ada, dana = self.person("Ada Ørsted"), self.person("Dana", "employer")
        odd = self.person("x" * 80)
        pending = ada.file(description="w" * 500, links=["https://example.com/" + "y" * 1900])
        ada.file(description="מחיר 100% 👩‍👩‍👧 <b>", links=["https://example.com/" + "y" * 1900])
        odd.file(spent_on=days_ago(40), currency="KWD", amount="9999999999.99")
        denied = odd.file(spent_on=days_ago(1))
        dana.api.post(f"/api/tickets/{denied}/deny", json={"reason": "z" * 500})
        approved = ada.file(spent_on=days_ago(2))
        dana.api.post(f"/api/tickets/{approved}/approve")
        for width, scheme in self.screens:
            page = self.open(dana, viewport={"width": width, "height": 900}, color_scheme=scheme)
            for path in (
                "/admin/ticket/list",
                "/admin/ticket/list?status=all&sort=amount",
                "/admin/ticket/list?min=x",
                "/admin/ticket/list?q=nothing",
                f"/admin/ticket/details/{pending}",
                f"/admin/ticket/details/{denied}",
                "/admin/employee/list",
                f"/admin/employee/details/{ada.id}",
                f"/admin/employee/{ada.id}/suspend",
                "/admin/overview",
                "/admin/history",
                "/admin/nowhere",
            ):
                with self.subTest(path=path, width=width, scheme=scheme):
                    page.goto(path)
                    self.assert_accessible(page)
            with self.subTest("what opens", width=width, scheme=scheme):
                self.check_what_opens(page)

    def check_what_opens(self, page: Page) -> None:
        page.goto("/admin/ticket/list")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        self.assert_accessible(page)
        page.keyboard.press("Escape")
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        self.assert_accessible(page)
