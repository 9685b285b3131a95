"""The demo's style guide in a real browser, where its picture is taken."""

import tempfile
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.harness import BrowserTestCase, Screens, Server

PICTURES = Path(tempfile.gettempdir(), "styleguide")
SCREENS: Screens = ((320, "dark"), (390, "light"), (1280, "dark"), (1280, "light"))


class StyleGuide(BrowserTestCase):
    def setUp(self) -> None:
        self.server = self.enterContext(Server(is_demo=True))

    def test_is_accessible_in_light_and_dark(self) -> None:
        for width, scheme in SCREENS:
            viewport = {"width": width, "height": 900}
            page = self.open(viewport=viewport, color_scheme=scheme)
            page.goto("/styleguide")
            page.locator("summary", has_text="Actions").click()
            self.assert_accessible(page)
            page.screenshot(path=PICTURES / f"{width}-{scheme}.png", full_page=True)
        page.get_by_role("button", name="Keyboard shortcuts").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        self.assert_accessible(page)
