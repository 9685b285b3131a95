"""Somebody's own account, and an import, in a real browser."""

from playwright.sync_api import Page, expect

from tests.browser.harness import BrowserTestCase, Screens, days_ago
from tests.harness import PASSWORD

NEW = "a rarer horse 8"
HEADER = "date,amount,category,description,links\n"


def choose(page: Page, content: str) -> None:
    page.goto("/tickets/import")
    upload(page, content)


def upload(page: Page, content: str) -> None:
    page.get_by_label("with up to").set_input_files(
        {"name": "tickets.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    page.get_by_role("button", name="Check the file").click()


def lunch(description: str = "Lunch") -> str:
    return f"{days_ago(2)},12.50,meals,{description},https://example.com/1\n"


class Account(BrowserTestCase):
    def test_a_new_password_ends_the_other_browsers_session(self) -> None:
        ada = self.person("Ada")
        here, there = self.open(ada), self.open()
        self.log_in(there, ada)
        here.goto("/account")
        expect(here.get_by_role("row").filter(has_text="Chrome on")).to_have_count(1)
        here.get_by_label("Current password").fill(PASSWORD)
        here.get_by_label("New password, 8 characters or more").fill(NEW)
        here.get_by_label("Confirm new password").fill(NEW)
        here.get_by_role("button", name="Change password").click()
        expect(here.get_by_role("status")).to_contain_text("Your password has been changed.")
        there.goto("/account")
        expect(there.get_by_text("Your session has ended")).to_be_visible()
        there.get_by_label("E-mail").fill(ada.email)
        there.get_by_label("Password").fill(NEW)
        there.get_by_role("button", name="Log in / Register").click()
        expect(there.get_by_role("heading", name="My account")).to_be_visible()

    def test_a_new_name_and_logging_out_elsewhere(self) -> None:
        ada = self.person("Ada")
        here, there = self.open(ada), self.open()
        self.log_in(there, ada)
        here.goto("/account")
        here.get_by_label("Your name").fill("Ada Lovelace")
        here.get_by_role("button", name="Save name").click()
        expect(here.get_by_role("banner")).to_contain_text("Ada Lovelace")
        here.get_by_role("button", name="End session (Chrome on Linux)").click()
        expect(here.get_by_role("status")).to_contain_text("logged out of one other session")
        there.reload()
        expect(there.get_by_role("heading", name="Log in or register")).to_be_visible()


class EveryPage(BrowserTestCase):
    """axe on these pages: on a small dark screen, and on a large light one."""

    screens: Screens = ()

    def check_every_page(self) -> None:
        ada, dana = self.person("Ada Ørsted"), self.person("x" * 80, "employer")
        ada.file(
            description="Lunch",
            spent_on=days_ago(2),
            links=["https://example.com/1"],
        )
        for width, scheme in self.screens:
            options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
            page, boss, stranger = (self.open(person, **options) for person in (ada, dana, None))
            for window, path in (
                (page, "/account"),
                (page, "/account/payout"),
                (page, "/account/email"),
                (page, "/tickets/import"),
                (page, "/tickets?cursor=x"),
                (page, "/tickets/999999"),
                (boss, "/account"),
                (boss, "/nowhere"),
                (stranger, "/"),
                (stranger, "/nowhere"),
            ):
                with self.subTest(path=path, width=width, scheme=scheme):
                    window.goto(path)
                    self.assert_accessible(window)
            for name, content in (
                ("problems", HEADER + f'x,{"y" * 90},{"z" * 90},,{"w" * 90}\n'),
                ("preview", f"Shop,{HEADER}" + f"x,{lunch()}" + f"x,{lunch('w' * 400)}"),
                ("unreadable", "x"),
            ):
                with self.subTest(page=name, width=width, scheme=scheme):
                    choose(page, content)
                    self.assert_accessible(page)
            with self.subTest(page="wrong password", width=width, scheme=scheme):
                page.goto("/account")
                for label in ("Current password", "Confirm new password"):
                    page.get_by_label(label).fill("x")
                page.get_by_label("New password, 8 characters or more").fill("y")
                page.get_by_role("button", name="Change password").click()
                self.assert_accessible(page)
