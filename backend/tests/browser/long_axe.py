"""axe on every page, on a small dark screen and on a large light one."""

from tests.browser import test_account, test_console, test_portal
from tests.browser.harness import Screens

SCREENS: Screens = ((320, "dark"), (1280, "light"))


class Account(test_account.EveryPage):
    screens = SCREENS

    def test_finds_nothing(self) -> None:
        self.check_every_page()


class Console(test_console.EveryPage):
    screens = SCREENS

    def test_finds_nothing(self) -> None:
        self.check_every_page()


class Portal(test_portal.EveryPage):
    screens = SCREENS

    def test_finds_nothing(self) -> None:
        self.check_every_page()
