"""Passkeys in a real browser, with a device that Chromium plays."""

from playwright.sync_api import Page, expect

from tests.browser.harness import BrowserTestCase, Person, Server
from tests.command_line import free_port
from tests.harness import PASSWORD, make_settings


class Passkeys(BrowserTestCase):
    def setUp(self) -> None:
        port = free_port()
        self.site = f"http://localhost:{port}"
        settings = make_settings(allowed_hosts=["localhost", "127.0.0.1"], public_url=self.site)
        self.server = self.enterContext(Server(settings, port=port))

    def plug_in(self, page: Page) -> None:
        """Give the browser a device that has just recognised its user's finger."""
        devtools = page.context.new_cdp_session(page)
        devtools.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
        }
        devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    def add(self, page: Page, password: str) -> None:
        page.get_by_label("Name of the passkey").fill("My laptop")
        page.locator("form[data-passkey]").get_by_label("Current password").fill(password)
        page.get_by_role("button", name="Add a passkey").click()

    def test_one_is_added_and_used_after_the_password_and_instead_of_it(self) -> None:
        # Passkeys are bound to a name, and 127.0.0.1 is none.
        self.server.address = self.site
        ada = self.person("Ada")
        page = self.open(ada)
        page.goto("/account")
        page.get_by_role("link", name="Add a passkey").click()
        self.plug_in(page)
        self.add(page, "wrong")
        expect(page.get_by_role("alert")).to_have_text("The password is wrong.")
        self.add(page, PASSWORD)
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
        self.assert_accessible(page)
        [code, *_] = page.locator("pre").inner_text().split()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        self.assertEqual(copied, page.locator("pre").inner_text())
        page.get_by_role("link", name="I have saved them").click()
        expect(page.get_by_role("row").filter(has_text="My laptop")).to_contain_text("Not used yet")
        self.assert_accessible(page)

        self.log_out(page)
        self.log_in(page, ada)
        expect(page.get_by_role("heading", name="Use your passkey")).to_be_visible()
        self.assert_accessible(page)
        page.get_by_role("button", name="Use your passkey").click()
        expect(page.get_by_role("heading", name="My tickets")).to_be_visible()

        self.log_out(page)
        page.goto("/login?next=/account/passkeys")
        page.get_by_role("button", name="Log in with a passkey").click()
        expect(page.get_by_role("row").filter(has_text="My laptop")).not_to_contain_text(
            "Not used yet"
        )

        other = self.open(java_script_enabled=False)
        other.goto("/login")
        expect(other.get_by_role("button", name="Log in with a passkey")).to_have_count(0)
        other.get_by_label("E-mail").fill(ada.email)
        other.get_by_label("Password").fill(PASSWORD)
        other.get_by_role("button", name="Log in / Register").click()
        expect(other.get_by_text("Passkeys need JavaScript")).to_be_visible()
        other.get_by_text("Lost your passkey?").click()
        other.get_by_label("Recovery code").fill(code)
        other.get_by_role("button", name="Log in with the code").click()
        expect(other.get_by_text("9 recovery codes are left.")).to_be_visible()

    def test_at_an_ip_address_it_says_where_passkeys_work(self) -> None:
        page = self.open(self.person("Ada"))
        page.goto("/account/passkeys")
        self.plug_in(page)
        self.add(page, PASSWORD)
        expect(page.get_by_role("alert")).to_have_text(
            f"Passkeys work only at {self.site}. Open this page there."
        )

    def log_out(self, page: Page) -> None:
        page.locator("summary.person").click()
        page.get_by_role("button", name="Log out", exact=True).click()

    def log_in(self, page: Page, person: Person) -> None:
        page.goto("/login")
        page.get_by_label("E-mail").fill(person.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in / Register").click()
