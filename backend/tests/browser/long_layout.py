"""Nothing on a page moves by itself, while it loads or while a part of it is waited for."""

from typing import Literal

from playwright.sync_api import Page, expect

from tests.browser.harness import BrowserTestCase

# What moves in the half second after a key or a click counts as well here.
RECORD = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries()) {
    // Less is a word that moves by a pixel, while a busy machine sends the page in pieces.
    if (value < 0.001) continue;
    window.shifts.push(`${value} ${sources.map(({ node }) => node?.outerHTML?.slice(0, 80))}`);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
# Answers come late, or not at all.
SLOWLY = """
const usual = window.fetch;
window.fetch = async (...request) => {
  await new Promise((resolve) => setTimeout(resolve, 1500));
  if (window.isLost) throw new TypeError("lost");
  return usual(...request);
};
"""


class Still(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ada, self.dana = self.person("Ada"), self.person("Dana", "employer")
        self.tickets = [self.ada.file(description=f"Lunch {number}") for number in range(4)]
        decided = self.ada.file(description="Dinner")
        self.dana.api.post(f"/api/tickets/{decided}/approve").raise_for_status()

    def watched(self, page: Page) -> Page:
        page.add_init_script(RECORD)
        return page

    def queue(self, motion: Literal["reduce", "no-preference"] = "no-preference") -> Page:
        screen = {"width": 1280, "height": 800}
        page = self.watched(self.open(self.dana, viewport=screen, reduced_motion=motion))
        page.add_init_script(SLOWLY)
        page.goto("/admin/ticket/list")
        page.wait_for_load_state("networkidle")
        return page

    def assert_still(self, page: Page) -> None:
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(200)
        self.assertEqual(page.evaluate("window.shifts"), [], page.url)

    def test_while_pages_load(self) -> None:
        for person, paths in (
            (None, ("/login",)),
            (self.ada, ("/tickets", f"/tickets/{self.tickets[0]}")),
            (
                self.dana,
                (
                    "/admin/ticket/list",
                    f"/admin/ticket/details/{self.tickets[0]}",
                    "/admin/overview",
                ),
            ),
        ):
            for width, height in ((390, 844), (1280, 800)):
                page = self.watched(self.open(person, viewport={"width": width, "height": height}))
                for path in paths:
                    with self.subTest(path=path, width=width):
                        page.goto(path)
                        self.assert_still(page)

    def test_no_word_on_a_button_is_broken_on_a_phone(self) -> None:
        for person, path in (
            (self.ada, f"/tickets/{self.tickets[0]}"),
            (self.dana, f"/admin/employee/details/{self.ada.id}"),
        ):
            page = self.open(person, viewport={"width": 375, "height": 844})
            page.goto(path)
            for button in page.locator("a.btn:visible, button.btn:visible").all():
                height = button.evaluate("button => button.offsetHeight")
                self.assertLess(height, 60, button.inner_text())

    def test_while_a_ticket_is_waited_for(self) -> None:
        page = self.queue()
        pane = page.locator("#ticket")
        for ticket in self.tickets[:2]:
            page.keyboard.press("j")
            expect(page.locator("tr[data-current]")).to_have_attribute("data-ticket", str(ticket))
            # A quick answer shows nothing in between.
            self.assertIsNone(pane.get_attribute("aria-busy"))
            expect(pane).to_have_attribute("aria-busy", "true")
            expect(pane).to_have_css("animation-name", "calm")
            expect(pane.locator("> *").first).to_be_hidden()
            expect(pane).to_contain_text(f"#{ticket}")
            expect(pane).not_to_have_attribute("aria-busy", "true")
            expect(pane.locator("> *").first).to_be_visible()
            self.assert_still(page)

    def test_while_a_search_is_waited_for(self) -> None:
        page = self.queue()
        page.get_by_role("searchbox", name="Search").press_sequentially("Lunch 2")
        expect(page.locator("#list")).to_have_attribute("aria-busy", "true")
        expect(page.locator("tr[data-ticket]")).to_have_count(1)
        expect(page.locator("#list")).not_to_have_attribute("aria-busy", "true")
        self.assert_still(page)

    def test_an_answer_that_does_not_come_leaves_nothing_hidden(self) -> None:
        page = self.queue(motion="reduce")
        page.evaluate("window.isLost = true")
        page.keyboard.press("j")
        expect(page.locator("#ticket")).to_have_attribute("aria-busy", "true")
        expect(page.locator("#ticket")).to_have_css("animation-name", "none")
        expect(page.get_by_role("status")).to_contain_text("cannot be reached")
        expect(page.locator("#ticket")).not_to_have_attribute("aria-busy", "true")
        expect(page.get_by_text("Choose a ticket")).to_be_visible()
