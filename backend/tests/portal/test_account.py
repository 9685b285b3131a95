"""My account: the name, the password, where one is logged in; and the pages around it."""

import re

import httpx

from expenses.users.clients import client_name
from tests.harness import PASSWORD, AppTestCase

NEW = "a rarer horse 8"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def problems(page: httpx.Response) -> dict[str, str]:
    """The messages at the inputs, by input."""
    return dict(re.findall(r'id="(\w+)-problem">([^<]+)<', page.text))


def others(page: httpx.Response) -> list[str]:
    """The addresses that end the other sessions."""
    return re.findall(r'action="(/account/sessions/\d+/end)"', page.text)


class Name(AppTestCase):
    async def test_a_new_name_stands_everywhere_at_once(self) -> None:
        for new_user in (self.new_employee, self.new_employer):
            user = await new_user("Ada")
            browser = await self.browser_of(user)
            page = await browser.get("/account")
            self.assertEqual(page.text.count("<h1"), 1)
            answer = await browser.post("/account/username", data={"username": "Ada <b>"})
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/account"))
            page = await browser.get("/account")
            self.assertIn("Your name is now Ada &lt;b&gt;.", page.text)
            self.assertIn('name="username" maxlength="80"', page.text)
            self.assertIn('value="Ada &lt;b&gt;"', page.text)
            event = await self.last_event()
            self.assertEqual((event.action, event.user_id), ("user.renamed", user.id))
            self.assertEqual(event.details["after"], {"username": "Ada <b>"})
            await self.call_alike(user, "Ada <b>")

    async def test_a_wrong_one_is_said_at_its_field_and_kept(self) -> None:
        browser = await self.browser_of(await self.new_employee("Ada"))
        async with self.nothing_changes():
            page = await browser.post("/account/username", data={"username": "x" * 81})
        self.assertEqual((page.status_code, set(problems(page))), (422, {"username"}))
        self.assertIn("x" * 81, page.text)


class Password(AppTestCase):
    async def test_it_is_changed_and_the_others_are_logged_out(self) -> None:
        user = await self.new_employee()
        here, there = await self.browser_of(user), await self.browser_of(user)
        answer = await here.post(
            "/account/password", data={"old": PASSWORD, "new": NEW, "again": NEW}
        )
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/account"))
        page = await here.get("/account")
        self.assertIn(
            "Your password has been changed. You have been logged out of one other session.",
            page.text,
        )
        self.assertEqual((await there.get("/account")).headers["location"], "/login?next=/account")
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.user_id, event.details),
            ("user.password_changed", user.id, {"sessions_ended": 1}),
        )
        login = {"email": user.email, "password": NEW}
        self.assertEqual((await there.post("/login", data=login)).status_code, 303)

    async def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent_back(self) -> None:
        user = await self.new_employee()
        browser, other = await self.browser_of(user), await self.browser_of(user)
        for data, fields in (
            ({}, {"old", "new"}),
            ({"old": "wrong wrong", "new": NEW, "again": NEW}, {"old"}),
            ({"old": PASSWORD, "new": NEW, "again": "a rarer horse"}, {"again"}),
            ({"old": PASSWORD, "new": "password1", "again": "password1"}, {"new"}),
        ):
            with self.subTest(data=data):
                async with self.nothing_changes():
                    page = await browser.post("/account/password", data=data)
                self.assertEqual((page.status_code, set(problems(page))), (422, fields))
                for typed in data.values():
                    self.assertNotIn(typed, page.text)
        self.assertEqual((await other.get("/account")).status_code, 200)


class Places(AppTestCase):
    async def test_each_is_shown_and_can_be_ended(self) -> None:
        user = await self.new_employee()
        there = await self.client(**{"User-Agent": FIREFOX})
        await there.post("/login", data={"email": user.email, "password": PASSWORD})
        here = await self.browser_of(user)
        page = await here.get("/account")
        self.assertIn("Firefox on Windows", page.text)
        self.assertIn("127.0.0.1", page.text)
        [address] = others(page)
        answer = await here.post(address)
        self.assertEqual(answer.headers["location"], "/account")
        self.assertEqual(others(await here.get("/account")), [])
        self.assertEqual((await there.get("/account")).status_code, 303)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.details),
            ("user.session_ended", user.id, {"sessions_ended": 1}),
        )
        async with self.nothing_changes():
            self.assertEqual((await here.post(address)).status_code, 404)

    async def test_all_others_end_together(self) -> None:
        user, other = await self.new_employee(), await self.new_employee()
        here, *there = [await self.browser_of(user) for _ in range(3)]
        theirs = await self.browser_of(other)
        await here.post("/account/sessions/end-others")
        self.assertIn("logged out of 2 other sessions", (await here.get("/account")).text)
        for browser in there:
            self.assertEqual((await browser.get("/account")).status_code, 303)
        self.assertEqual((await theirs.get("/account")).status_code, 200)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.details), ("user.session_ended", {"sessions_ended": 2})
        )
        async with self.nothing_changes():
            await here.post("/account/sessions/end-others")
        self.assertIn("not logged in anywhere else", (await here.get("/account")).text)

    async def test_nobody_elses_can_be_ended(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        hers, _ = await self.browser_of(ada), await self.browser_of(ada)
        [address] = others(await hers.get("/account"))
        async with self.nothing_changes():
            answer = await (await self.browser_of(ben)).post(address)
        self.assertEqual(answer.status_code, 404)
        self.assertEqual(len(others(await hers.get("/account"))), 1)

    async def test_the_page_asks_the_database_as_often_for_many_as_for_one(self) -> None:
        user = await self.new_employee()
        browser = await self.browser_of(user)
        with self.counted_statements() as one:
            await browser.get("/account")
        for _ in range(5):
            await self.token_of(user)
        with self.counted_statements() as many:
            await browser.get("/account")
        self.assertEqual(len(many), len(one))


class Clients(AppTestCase):
    async def test_known_ones_have_a_name(self) -> None:
        webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
        mac = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {webkit}"
        linux = f"Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/140.0.0.0 Safari/537.36"
        phone = f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {webkit}"
        for user_agent, name in (
            (FIREFOX, "Firefox on Windows"),
            (f"{mac} Version/18.0 Safari/605.1.15", "Safari on macOS"),
            (linux, "Chrome on Linux"),
            (f"{linux} Edg/140.0", "Edge on Linux"),
            (f"{phone} CriOS/140.0 Mobile Safari/604.1", "Chrome on iPhone"),
            ("curl/8.5.0", "curl/8.5.0"),
            (None, "An unknown browser or program"),
        ):
            self.assertEqual(client_name(user_agent), name)


class Home(AppTestCase):
    async def test_a_stranger_is_told_what_this_is(self) -> None:
        page = await (await self.client()).get("/")
        self.assertEqual((page.status_code, page.text.count("<h1")), (200, 1))
        self.assertIn('href="/login"', page.text)


class Errors(AppTestCase):
    async def test_each_has_one_heading_and_a_way_on(self) -> None:
        employee = await self.browser_of(await self.new_employee())
        employer = await self.browser_of(await self.new_employer())
        stranger = await self.client()
        for page, status, way in (
            (await stranger.get("/nowhere"), 404, "/login"),
            (await employee.get("/tickets/999999"), 404, "/tickets"),
            (await employer.get("/tickets/import/save"), 405, "/"),
            (await employee.get("/tickets?cursor=x"), 422, "/tickets"),
            (await employer.post("/tickets/import"), 403, "/admin/"),
            (
                await employee.post(
                    "/account/sessions/99999/end", headers={"Referer": "http://localhost/account"}
                ),
                404,
                "/account",
            ),
        ):
            with self.subTest(url=page.url):
                self.assertEqual((page.status_code, page.text.count("<h1")), (status, 1))
                main = page.text.partition("<main")[2].partition("</main>")[0]
                self.assertIn(f'href="{way}"', main)

    async def test_every_wrong_field_is_listed(self) -> None:
        employer = await self.browser_of(await self.new_employer())
        page = await employer.post("/language", data={"language": "Klingon"})
        self.assertEqual(page.status_code, 422)
        self.assertIn("<dt>Language</dt><dd>This language is not available.</dd>", page.text)
