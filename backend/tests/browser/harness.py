"""A server in a thread, a Chromium, and people who click."""

import asyncio
import logging
import os
import shutil
import socket
import threading
import unittest
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar, Literal

import httpx
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from expenses import styleguide
from expenses.app import create_app
from expenses.database.engine import Database
from expenses.settings import Settings
from expenses.users.models import Role
from expenses.users.registration import register
from expenses.users.sessions import NewSession, start_session
from expenses.users.throttling import Caller
from expenses.web.security.cookies import SESSION
from tests.harness import (
    PASSWORD,
    cookie,
    make_settings,
    new_database,
    password_hash,
    shared_storage,
    ticket_json,
    usual_settings,
)

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# Without these, Chromium tries to reach its maker, and as root it wants a sandbox it cannot have.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Screens = tuple[tuple[int, Literal["light", "dark"]], ...]
"""Widths of the window, each with a colour scheme."""

_people = count(1)

# It says at each start that anyone may register as an employer.
logging.getLogger("expenses.app").setLevel(logging.ERROR)


class Server:
    """The application as `expenses serve` runs it, but in a thread of this process."""

    def __init__(
        self, settings: Settings | None = None, *, is_demo: bool = False, port: int = 0
    ) -> None:
        self._is_demo = is_demo
        self._port = port
        self._settings = settings or make_settings(allowed_hosts=["127.0.0.1"])
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Server":
        # Only where TCP is asked for by name, the event loop sends small answers at once.
        self._socket = socket.socket(proto=socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", self._port))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread.start()
        while self._server is None or not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("The server did not start.")
            threading.Event().wait(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def register(self, email: str, username: str, role: Role) -> NewSession:
        """At once: through the door, every person would cost a hashed password."""
        return asyncio.run_coroutine_threadsafe(
            self._register(email, username, role), self._loop
        ).result()

    async def _register(self, email: str, username: str, role: Role) -> NewSession:
        async with self._database.transaction() as connection:
            user = await register(
                connection,
                email=email,
                password_hash=await password_hash(),
                username=username,
                role=role,
                employer_code=None,
                settings=usual_settings(),
            )
            return await start_session(
                connection,
                user.id,
                caller=Caller("127.0.0.1"),
                settings=usual_settings(),
                is_registering=True,
            )

    def _run(self) -> None:
        # All of it here: Playwright occupies the main thread's event loop.
        self._database = Database(new_database())
        app = create_app(self._settings, self._database, shared_storage())
        if self._is_demo:
            app.include_router(styleguide.router)
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        asyncio.run(self._serve(self._server))

    async def _serve(self, server: uvicorn.Server) -> None:
        self._loop = asyncio.get_running_loop()
        await server.serve(sockets=[self._socket])


class Person:
    """Somebody with an account, who can also use the API."""

    def __init__(self, server: Server, username: str, role: str) -> None:
        self.email = f"person{next(_people)}@contoso.example"
        self.username = username
        logged_in = server.register(self.email, username, Role(role))
        self.id = logged_in.user.id
        self.token = logged_in.token
        self.api = httpx.Client(
            base_url=server.address, headers={"Authorization": f"Bearer {self.token}"}
        )

    def file(self, **fields: Any) -> int:
        ticket = self.api.post("/api/tickets", json=ticket_json(**fields))
        number: int = ticket.raise_for_status().json()["id"]
        return number

    def ticket(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/api/tickets/{number}").raise_for_status().json()
        return found


class BrowserTestCase(unittest.TestCase):
    """Each test has a company of its own: a server on an empty database."""

    browser: ClassVar[Browser]

    @classmethod
    def setUpClass(cls) -> None:
        if CHROMIUM is None:
            if os.environ.get("CI"):
                raise RuntimeError("CI needs Chromium for the tests in a browser.")
            raise unittest.SkipTest("no Chromium found: install it to run the tests in a browser")
        # Ended with the class: while it runs, no other test can have an event loop.
        playwright = cls.enterClassContext(sync_playwright())
        cls.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        cls.addClassCleanup(cls.browser.close)

    def setUp(self) -> None:
        self.server = self.enterContext(Server())

    def person(self, username: str, role: str = "employee") -> Person:
        person = Person(self.server, username, role)
        self.addCleanup(person.api.close)
        return person

    def open(self, person: Person | None = None, **options: Any) -> Page:
        """A new browser window, in which somebody has logged in. A script error fails the test."""
        context = self.browser.new_context(base_url=self.server.address, **options)
        context.set_default_timeout(10_000)
        self.addCleanup(context.close)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        self.addCleanup(lambda: self.assertEqual(errors, []))
        if person is not None:
            context.add_cookies(
                [{"name": SESSION, "value": cookie(person.token), "url": self.server.address}]
            )
            page.goto("/")
        return page

    def log_in(self, page: Page, person: Person) -> None:
        """Through the door, with the password."""
        page.goto("/login")
        page.get_by_label("E-mail").fill(person.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in / Register").click()
        page.wait_for_url(lambda url: "/login" not in url)

    def assert_accessible(self, page: Page) -> None:
        """axe finds nothing, and the page is not wider than the window."""
        # Off by default: whether fingers hit what they aim at.
        results = Axe().run(page, options={"rules": {"target-size": {"enabled": True}}})
        found = [
            f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
            for violation in results.response["violations"]
            for node in violation["nodes"]
        ]
        self.assertEqual(found, [], page.url)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert page.viewport_size is not None
        self.assertLessEqual(width, page.viewport_size["width"], page.url)


def days_ago(days: int) -> str:
    return (usual_settings().today() - timedelta(days=days)).isoformat()
