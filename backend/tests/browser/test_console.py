"""Employers at work in the console."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import BrowserTestCase, Screens, days_ago


class QueueTestCase(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ada, self.dana = self.person("Ada"), self.person("Dana", "employer")

    def lunches(self, number: int, **fields: str) -> list[int]:
        return [self.ada.file(description=f"Lunch {each}", **fields) for each in range(number)]

    def status_of(self, *tickets: int) -> list[str]:
        return [self.ada.ticket(ticket)["status"] for ticket in tickets]

    def row(self, page: Page, ticket: int) -> Locator:
        return page.locator(f"tr[data-ticket='{ticket}']")

    def assert_current(self, page: Page, ticket: int) -> None:
        expect(page.locator("tr[data-current]")).to_have_attribute("data-ticket", str(ticket))
        # Until it has been on the screen for a moment, keys do not decide it.
        expect(page.locator("#ticket")).to_contain_text(f"#{ticket}")
        page.wait_for_timeout(350)


class Queue(QueueTestCase):
    def test_a_decision_takes_effect_where_one_stands_and_is_undone(self) -> None:
        tickets = self.lunches(3)
        page = self.open(self.dana)
        page.evaluate("window.isSamePage = true")
        page.get_by_role("button", name=f"Approve ticket {tickets[0]}").click()
        first = self.row(page, tickets[0])
        expect(first).to_contain_text("Approved")
        expect(page.get_by_role("status")).to_contain_text(f"Ticket {tickets[0]} is approved.")
        expect(page.locator("#tabs .count").first).to_have_text("2")
        expect(page.locator("#summary")).to_contain_text("2 tickets: $25.00")
        # It folds away once nothing points at it, and comes back to its place.
        page.get_by_role("searchbox", name="Search").hover()
        expect(first).to_be_hidden()
        page.keyboard.press("u")
        expect(first).to_be_visible()
        expect(page.locator("#summary")).to_contain_text("3 tickets: $37.50")
        self.assertEqual(self.status_of(*tickets), ["pending"] * 3)
        events = self.dana.api.get(f"/api/tickets/{tickets[0]}/history").json()["items"]
        self.assertEqual(
            [event["action"] for event in events],
            ["ticket.created", "ticket.approved", "ticket.reopened"],
        )
        self.assertTrue(page.evaluate("window.isSamePage"))

    def test_by_keyboard(self) -> None:
        tickets = self.lunches(4)
        page = self.open(self.dana)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.keyboard.press("j")
        page.keyboard.press("j")
        self.assert_current(page, tickets[1])
        page.keyboard.press("a")
        # The cursor goes on by itself, and what was left for later is not met again.
        self.assert_current(page, tickets[2])
        page.keyboard.press("d")
        expect(page.get_by_label("Why is it denied?")).to_be_focused()
        # Inside a field the keys are letters.
        page.keyboard.type("a jolly dinner, kept")
        page.keyboard.press("Enter")
        self.assert_current(page, tickets[3])
        page.keyboard.press("d")
        expect(page.get_by_label("Why is it denied?")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_label("Why is it denied?")).to_be_hidden()
        page.keyboard.press("/")
        expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
        self.assertEqual(self.status_of(*tickets), ["pending", "approved", "denied", "pending"])
        reason = self.ada.ticket(tickets[2])["decision"]["reason"]
        self.assertEqual(reason, "a jolly dinner, kept")

    def test_a_recent_reason_is_sent_by_its_number_and_filled_in_by_a_click(self) -> None:
        first, second, third, fourth = self.lunches(4)
        self.dana.api.post(f"/api/tickets/{first}/deny", json={"reason": "No receipt"})
        page = self.open(self.dana)
        page.keyboard.press("j")
        self.assert_current(page, second)
        page.keyboard.press("d")
        page.keyboard.press("1")
        expect(self.row(page, second)).to_contain_text("Denied")
        self.assert_current(page, third)
        page.keyboard.press("d")
        page.get_by_role("button", name="No receipt").click()
        reason = page.get_by_label("Why is it denied?")
        expect(reason).to_have_value("No receipt")
        self.assertEqual(self.status_of(second, third, fourth), ["denied", "pending", "pending"])
        page.keyboard.type("Not ours")
        page.keyboard.press("Enter")
        expect(self.row(page, third)).to_contain_text("Denied")
        self.assertEqual(self.status_of(second, third, fourth), ["denied", "denied", "pending"])
        self.assertEqual(
            [self.ada.ticket(ticket)["decision"]["reason"] for ticket in (second, third)],
            ["No receipt", "Not ours"],
        )

    def test_a_held_key_decides_nothing_that_was_not_seen(self) -> None:
        tickets = self.lunches(3)
        page = self.open(self.dana)
        page.keyboard.press("j")
        self.assert_current(page, tickets[0])
        page.keyboard.down("a")
        for _ in range(5):
            page.keyboard.down("a")
        page.keyboard.up("a")
        expect(self.row(page, tickets[0])).to_contain_text("Approved")
        self.assertEqual(self.status_of(*tickets), ["approved", "pending", "pending"])

    def test_denying_all_that_match_a_filter(self) -> None:
        for number in range(55):
            self.ada.file(description=f"Train {number}", amount="2.00")
        boat = self.ada.file(description="Boat")
        page = self.open(self.dana)
        page.goto("/admin/ticket/list?q=train")
        boxes = page.get_by_role("checkbox", name="Select ticket")
        boxes.first.check()
        boxes.last.click(modifiers=["Shift"])
        expect(page.locator("[data-selected]")).to_have_text("50 selected · $100.00")
        page.get_by_label("Select all 55 pending").check()
        expect(page.locator("[data-selected]")).to_have_text("All 55 pending")
        page.get_by_role("button", name="Deny…").click()
        expect(page.get_by_text("55 tickets").first).to_be_visible()
        expect(page.get_by_text("$110.00")).to_be_visible()
        page.get_by_label("Reason, for all of them").fill("Trains are booked centrally")
        page.get_by_role("button", name="Deny 55 tickets").click()
        expect(page.get_by_role("heading", name="55 denied")).to_be_visible()
        answer = self.dana.api.get("/api/tickets?status=denied&limit=100").json()
        self.assertEqual(len(answer["items"]), 55)
        self.assertEqual(self.ada.ticket(boat)["status"], "pending")

    def test_a_lost_race_is_shown_with_who_was_faster(self) -> None:
        omar = self.person("Omar", "employer")
        [ticket] = self.lunches(1)
        page = self.open(self.dana)
        omar.api.post(f"/api/tickets/{ticket}/deny", json={"reason": "No receipt"})
        page.get_by_role("button", name=f"Approve ticket {ticket}").click()
        expect(page.get_by_role("status")).to_contain_text("already denied by Omar: No receipt")
        expect(self.row(page, ticket)).to_contain_text("Denied")
        self.assertEqual(self.status_of(ticket), ["denied"])


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

    def test_a_suspension_is_undone_where_it_is_said(self) -> None:
        self.person("Ada")
        dana = self.person("Dana", "employer")
        for has_script in (True, False):
            page = self.open(dana, java_script_enabled=has_script)
            page.goto("/admin/employee/list")
            page.get_by_role("button", name="Suspend Ada").click()
            page.get_by_role("button", name="Suspend").click()
            expect(page.get_by_role("status")).to_have_text("Ada is suspended.")
            page.get_by_role("button", name="Undo").click()
            expect(page.get_by_role("status")).to_have_text("Ada is active again.")
            page.get_by_role("link", name="Ada").click()
            expect(page.get_by_role("link", name="Suspend…")).to_be_visible()
            events = page.locator("[data-event]")
            expect(events.first).to_contain_text("Dana reactivated Ada")
            expect(events.nth(1)).to_contain_text("Dana suspended Ada")

    def change(self, page: Page, verb: str) -> None:
        page.get_by_role("main").get_by_role("link", name=verb).click()
        page.get_by_role("button", name=verb).click()


class EveryPage(BrowserTestCase):
    """axe on every page of the console, on a small dark screen, and on a large light one."""

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
        assert page.viewport_size is not None
        # High enough for the bar at the bottom to cover nothing.
        page.set_viewport_size({"width": page.viewport_size["width"], "height": 3000})
        page.goto("/admin/ticket/list")
        for key in ("?", "Control+k"):
            page.keyboard.press(key)
            expect(page.get_by_role("dialog")).to_be_visible()
            self.assert_accessible(page)
            page.keyboard.press("Escape")
        page.get_by_role("checkbox", name="Select ticket").first.check()
        page.locator("[data-deny]").first.click()
        expect(page.get_by_label("Why is it denied?")).to_be_visible()
        self.assert_accessible(page)
        page.reload()
        for place in range(page.locator("details").count()):
            page.evaluate(
                "(place) => document.querySelectorAll('details')"
                ".forEach((each, index) => (each.open = index === place))",
                place,
            )
            self.assert_accessible(page)
