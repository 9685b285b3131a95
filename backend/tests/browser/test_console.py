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
        page.locator("[data-open]").first.click()
        page.get_by_role("article").get_by_role("button", name="Approve").click()
        expect(page.get_by_role("status").first).to_have_text(f"Ticket {tickets[0]} is approved.")
        expect(page.get_by_role("article")).to_contain_text("Lunch 1")
        narrow = self.open(self.dana, viewport={"width": 390, "height": 844})
        narrow.locator("[data-open]").first.click()
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

    def test_a_lost_race_is_shown_with_who_was_faster(self) -> None:
        omar = self.person("Omar", "employer")
        [ticket] = self.lunches(1)
        page = self.open(self.dana)
        omar.api.post(f"/api/tickets/{ticket}/deny", json={"reason": "No receipt"})
        page.get_by_role("button", name=f"Approve ticket {ticket}").click()
        expect(page.get_by_role("status")).to_contain_text("already denied by Omar: No receipt")
        expect(self.row(page, ticket)).to_contain_text("Denied")
        self.assertEqual(self.status_of(ticket), ["denied"])

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
