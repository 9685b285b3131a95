"""An import and the API's documentation, in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.harness import BrowserTestCase, days_ago
from tests.browser.test_account import HEADER, choose, lunch, upload


class Import(BrowserTestCase):
    def test_a_file_is_corrected_checked_and_filed_once(self) -> None:
        ada = self.person("Ada")
        page = self.open(ada)
        choose(page, HEADER + lunch() + "soon,12.50,meals,Dinner,\n")
        problem = page.get_by_role("row").filter(has_text="Row 3")
        expect(problem).to_contain_text("“soon” is not a date. Write 2026-11-02.")
        problem.get_by_label("Date").fill(days_ago(1))
        page.get_by_role("button", name="Check again").click()
        expect(page.get_by_role("button", name="File 2 tickets")).to_be_visible()
        self.assertEqual(ada.api.get("/api/tickets").json()["items"], [])
        choose(page, HEADER + lunch() + f'{days_ago(1)},8,meals,"<b>Dinner\n\n午饭 & more",\n')
        page.get_by_role("button", name="File 2 tickets").dblclick()
        expect(page.get_by_text("2 tickets are filed.")).to_be_visible()
        tickets = ada.api.get("/api/tickets").json()["items"]
        self.assertEqual(
            [ticket["description"] for ticket in tickets], ["<b>Dinner\n\n午饭 & more", "Lunch"]
        )

    def test_each_upload_shows_how_far_it_is_and_the_way_back_leads_to_the_form(self) -> None:
        page = self.open(self.person("Ada"))
        page.goto("/tickets/import")
        for content, said in (
            ("\0", "not a table of text"),
            (HEADER, "column names but no tickets"),
            (HEADER + lunch(), "1 ticket is new"),
        ):
            with page.expect_request(lambda request: request.method == "POST") as sent:
                upload(page, content)
            self.assertEqual(sent.value.resource_type, "xhr")
            expect(page.get_by_text(said)).to_be_visible()
        page.get_by_role("button", name="Edit").click()
        page.get_by_role("button", name="中文").click()
        expect(page.get_by_role("heading", name="导入报销单")).to_be_visible()

    def test_what_is_there_is_left_out_unless_it_is_ticked(self) -> None:
        ada = self.person("Ada")
        page = self.open(ada)
        for ticked, said, tickets in (
            (False, "1 ticket is filed.", 1),
            (False, "All of these tickets had been filed already.", 1),
            (True, "1 ticket is filed.", 2),
        ):
            choose(page, HEADER + lunch())
            if ticked:
                page.get_by_label("File it again (Row 2)").check()
            page.get_by_role("main").get_by_role("button", name=re.compile("^File")).click()
            expect(page.get_by_text(said)).to_be_visible()
            self.assertEqual(len(ada.api.get("/api/tickets").json()["items"]), tickets)

    def test_without_scripts(self) -> None:
        ada = self.person("Ada")
        page = self.open(ada, java_script_enabled=False)
        choose(page, HEADER + lunch())
        page.get_by_role("button", name="File 1 ticket").click()
        expect(page.get_by_text("1 ticket is filed.")).to_be_visible()


class ApiDocs(BrowserTestCase):
    def test_are_linked_follow_the_appearance_and_lead_back(self) -> None:
        page = self.open(self.person("Ada"), color_scheme="dark")
        page.goto("/account")
        page.get_by_role("link", name="What the API offers").click()
        expect(page.get_by_role("heading", name="Contoso Expenses")).to_be_visible()
        background = page.locator(".swagger-ui").evaluate(
            "box => getComputedStyle(box).backgroundColor"
        )
        self.assertEqual(background, "rgb(28, 32, 34)")
        page.get_by_role("link", name="Home").click()
        expect(page.get_by_role("heading", name="My tickets")).to_be_visible()
