"""Single sign-on in a browser, with npm's oidc-provider, a certified issuer."""

import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import ClassVar

import httpx
from playwright.sync_api import Page, expect

from tests.browser.harness import BrowserTestCase, Server
from tests.command_line import free_port
from tests.harness import make_settings

PROVIDER = "oidc-provider@9"
SCRIPT = Path(__file__).parent / "issuer.mjs"
BUTTON = "Log in with Contoso ID"


class SingleSignOn(BrowserTestCase):
    """The issuer is localhost and the product 127.0.0.1: for a browser, two different sites."""

    folder: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which("npm") is None:
            raise unittest.SkipTest("no npm found: install it to run an issuer of single sign-on")
        super().setUpClass()
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        installed = subprocess.run(
            ["npm", "install", "--silent", "--ignore-scripts", "--engine-strict", PROVIDER],
            cwd=cls.folder,
            check=False,
        )
        if installed.returncode:
            raise unittest.SkipTest("npm cannot install the issuer: no network, or an old Node.js")
        shutil.copy(SCRIPT, cls.folder)

    def setUp(self) -> None:
        port, issuer_port = free_port(), free_port()
        site, issuer = f"http://127.0.0.1:{port}", f"http://localhost:{issuer_port}"
        command = ["node", SCRIPT.name, str(issuer_port), f"{site}/login/sso/callback"]
        process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)
        wait_for(f"{issuer}/.well-known/openid-configuration")
        settings = make_settings(
            allowed_hosts=["127.0.0.1"],
            public_url=site,
            oidc_issuer=issuer,
            oidc_client_id="expenses",
            oidc_client_secret="secret",
            oidc_name="Contoso ID",
        )
        self.server = self.enterContext(Server(settings, port=port))

    def sign_in(self, page: Page, name: str) -> None:
        page.goto("/login")
        page.get_by_role("link", name=BUTTON).click()
        self.answer(page, name)
        page.get_by_role("button", name="Continue").click()

    def answer(self, page: Page, name: str) -> None:
        """Who one is. The first time, the issuer asks next whether we may know it."""
        page.get_by_placeholder("Enter any login").fill(name)
        page.get_by_placeholder("and password").fill("x")
        page.get_by_role("button", name="Sign-in").click()

    def test_a_new_person_registers_and_is_known_from_then_on(self) -> None:
        page = self.open()
        self.sign_in(page, "ada")
        expect(page.get_by_text("ada@contoso.example")).to_be_visible()
        expect(page.get_by_label("Your name")).to_have_value("ada")
        self.assert_accessible(page)
        page.get_by_role("button", name="Register").click()
        expect(page.get_by_role("heading", name="My tickets")).to_be_visible()
        page.context.clear_cookies(domain="127.0.0.1")
        page.goto("/tickets?status=denied")
        page.get_by_role("link", name=BUTTON).click()
        # The issuer still knows them, and has nothing to ask.
        page.wait_for_url("**/tickets?status=denied")

    def test_payout_details_take_another_log_in(self) -> None:
        page = self.open()
        self.sign_in(page, "ada")
        page.get_by_role("button", name="Register").click()
        page.goto("/account/payout")
        expect(page.get_by_label("Current password")).to_have_count(0)
        page.get_by_role("link", name=BUTTON).click()
        self.answer(page, "ada")
        page.wait_for_url("**/account/payout")
        expect(page.get_by_role("link", name=BUTTON)).to_have_count(0)
        page.get_by_label("Account holder").fill("Ada")
        page.get_by_label("IBAN", exact=True).fill("DE89 3704 0044 0532 0130 00")
        page.get_by_role("button", name="Save payout details").click()
        expect(page.get_by_text("DE89 •••• 3000").first).to_be_visible()

    def test_tokens_that_are_wrong_are_refused(self) -> None:
        for name in ("other-issuer", "other-audience", "expired", "replayed", "unsigned"):
            with self.subTest(name):
                page = self.open()
                self.sign_in(page, name)
                expect(page.get_by_text("Contoso ID did not confirm who you are.")).to_be_visible()
                self.assert_stranger(page)

    def test_an_unverified_email_is_refused(self) -> None:
        page = self.open()
        self.sign_in(page, "unverified")
        expect(page.get_by_text("Contoso ID has not verified your e-mail.")).to_be_visible()
        self.assert_stranger(page)

    def test_who_changes_their_mind_at_the_issuer_is_back_at_the_log_in_page(self) -> None:
        page = self.open()
        page.goto("/login")
        page.get_by_role("link", name=BUTTON).click()
        page.get_by_role("link", name="[ Cancel ]").click()
        expect(page.get_by_text("Contoso ID did not confirm who you are.")).to_be_visible()
        self.assert_accessible(page)

    def assert_stranger(self, page: Page) -> None:
        page.goto("/tickets")
        expect(page.get_by_label("Password")).to_be_visible()


def wait_for(address: str) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"Nothing is listening at {address}.")
