"""One page and one button: log in, register, log out; as a browser without scripts does it."""

import asyncio
import re
from datetime import timedelta
from html import unescape

import httpx
from pydantic import SecretStr
from sqlalchemy import func, select, update

from expenses.users.models import PendingRegistration, User
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings

NEW = {"email": "ada@contoso.example", "password": PASSWORD}


def problems(page: httpx.Response) -> dict[str, str]:
    """The messages at the inputs, by input."""
    found = re.findall(r'id="(\w+)-problem">([^<]+)<', page.text)
    return dict(found)


class LogIn(AppTestCase):
    async def test_employees_land_on_their_tickets_and_employers_in_the_console(self) -> None:
        for user, home in (
            (await self.new_employee(), "/tickets"),
            (await self.new_employer(), "/admin/"),
        ):
            browser = await self.client()
            page = await browser.get("/login")
            # A script shows the other one, for passkeys.
            self.assertEqual(page.text.count("<button"), 2)
            self.assertEqual(page.text.count('<button class="btn btn-primary'), 1)
            self.assertIn("Log in / Register", page.text)
            answer = await browser.post("/login", data={"email": user.email, "password": PASSWORD})
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, home))
            home_page = await browser.get(home, follow_redirects=True)
            self.assertEqual(home_page.status_code, 200)
            for path in ("/", "/login"):
                self.assertEqual((await browser.get(path)).headers["location"], home)

    async def test_a_wrong_password_is_refused_and_the_email_kept(self) -> None:
        user = await self.new_employee()
        browser = await self.client()
        async with self.nothing_changes():
            page = await browser.post("/login", data={"email": user.email, "password": "Wrong 123"})
        self.assertEqual(page.status_code, 401)
        self.assertEqual(problems(page), {"password": "The password is wrong."})
        self.assertIn(f'value="{user.email}"', page.text)
        self.assertNotIn("Wrong 123", page.text)
        self.assertEqual((await browser.get("/tickets")).status_code, 303)

    async def test_a_suspended_user_is_told_so_once_the_password_was_right(self) -> None:
        user, boss = await self.new_employee(), await self.new_employer()
        await self.suspend(user, by=boss)
        browser = await self.client()
        wrong = await browser.post("/login", data={"email": user.email, "password": "Wrong 123"})
        self.assertEqual(wrong.status_code, 401)
        self.assertNotIn("suspended", wrong.text)
        right = await browser.post("/login", data={"email": user.email, "password": PASSWORD})
        self.assertEqual(right.status_code, 403)
        self.assertIn("suspended", problems(right)["email"])

    async def test_empty_and_odd_input_is_said_at_its_field(self) -> None:
        browser = await self.client()
        for data, fields in (
            ({}, {"email", "password"}),
            ({"email": "ada", "password": "x"}, {"email"}),
            ({"email": "a\0@contoso.example", "password": "x"}, {"email"}),
            ({"email": "ada@contoso.example", "password": "short"}, {"password"}),
            ({"email": "ada@contoso.example", "password": "password1"}, {"password"}),
            ({"email": "ada@contoso.example", "password": "x" * 1001}, {"password"}),
        ):
            with self.subTest(data=data):
                async with self.nothing_changes():
                    page = await browser.post("/login", data=data)
                self.assertEqual(page.status_code, 422)
                self.assertEqual(set(problems(page)), fields)

    async def test_one_gets_to_the_page_one_asked_for(self) -> None:
        user = await self.new_employee()
        ticket = await self.new_ticket(user)
        browser = await self.client()
        answer = await browser.get(f"/tickets/{ticket}?x=1")
        self.assertEqual(answer.headers["location"], f"/login?next=/tickets/{ticket}%3Fx%3D1")
        page = await browser.get(answer.headers["location"])
        self.assertIn(f'name="next" value="/tickets/{ticket}?x=1"', page.text)
        answer = await browser.post(
            "/login",
            data={"email": user.email, "password": PASSWORD, "next": f"/tickets/{ticket}?x=1"},
        )
        self.assertEqual(answer.headers["location"], f"/tickets/{ticket}?x=1")

    async def test_next_stays_on_this_site(self) -> None:
        user = await self.new_employee()
        for way_on in (
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example",
            "\\\\evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "evil",
            "///evil.example",
        ):
            with self.subTest(next=way_on):
                browser = await self.client()
                answer = await browser.post(
                    "/login", data={"email": user.email, "password": PASSWORD, "next": way_on}
                )
                self.assertEqual(answer.headers["location"], "/tickets")


class Register(AppTestCase):
    async def test_an_unknown_email_is_asked_for_name_and_role_and_logged_in(self) -> None:
        for username, role, home in (
            ("Ada", "employee", "/tickets"),
            ("Dana", "employer", "/admin/"),
        ):
            email = f"{username.lower()}@contoso.example"
            browser = await self.client()
            answer = await browser.post("/login", data={"email": email, "password": PASSWORD})
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/register"))
            page = await browser.get("/register")
            self.assertIn(email, page.text)
            for secret in (PASSWORD, "$bcrypt"):
                self.assertNotIn(secret, page.text)
                self.assertNotIn(secret, str(browser.cookies))
            answer = await browser.post("/register", data={"username": username, "role": role})
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, home))
            self.assertEqual((await browser.get("/api/me")).json()["email"], email)
            event = await self.last_event()
            self.assertEqual((event.action, event.details), ("user.registered", {"role": role}))
            again = await (await self.client()).post(
                "/login", data={"email": email, "password": PASSWORD}
            )
            self.assertEqual(again.headers["location"], home)

    async def test_what_is_missing_is_said_at_its_field(self) -> None:
        browser = await self.client()
        await browser.post("/login", data=NEW)
        for data, fields in (
            ({}, {"username", "role"}),
            ({"username": "  ", "role": "boss"}, {"username", "role"}),
            ({"username": "x" * 81, "role": "employer"}, {"username"}),
        ):
            async with self.nothing_changes():
                page = await browser.post("/register", data=data)
            self.assertEqual((page.status_code, set(problems(page))), (422, fields))
        answer = await browser.post("/register", data={"username": "Ada", "role": "employee"})
        self.assertEqual(answer.headers["location"], "/tickets")

    async def test_an_employer_needs_the_code_where_there_is_one(self) -> None:
        app = self.start_app(make_settings(employer_code=SecretStr("open sesame")))
        browser = await self.client(app)
        await browser.post("/login", data=NEW)
        self.assertIn("employer_code", (await browser.get("/register")).text)
        person = {"username": "Ada", "role": "employer"}
        async with self.nothing_changes():
            page = await browser.post("/register", data=person | {"employer_code": "wrong"})
        self.assertEqual(set(problems(page)), {"employer_code"})
        answer = await browser.post("/register", data=person | {"employer_code": "open sesame"})
        self.assertEqual(answer.headers["location"], "/admin/")

    async def test_after_fifteen_minutes_it_starts_again(self) -> None:
        browser = await self.client()
        await browser.post("/login", data=NEW)
        async with self.database.transaction() as connection:
            await connection.execute(
                update(PendingRegistration).values(
                    expires_at=PendingRegistration.expires_at - timedelta(minutes=15, seconds=1)
                )
            )
        async with self.nothing_changes():
            answer = await browser.post("/register", data={"username": "A", "role": "employee"})
            page = await browser.get("/register")
        self.assertEqual(answer.headers["location"], "/login")
        self.assertEqual(page.headers["location"], "/login")
        self.assertIn("took too long", (await browser.get("/login")).text)

    async def test_a_second_click_and_the_back_button_do_no_harm(self) -> None:
        browser = await self.client()
        await browser.post("/login", data=NEW)
        person = {"username": "Ada", "role": "employee"}
        await browser.post("/register", data=person)
        async with self.nothing_changes():
            answer = await browser.post("/register", data=person)
        self.assertEqual(answer.status_code, 303)
        self.assertEqual((await browser.get("/api/me")).json()["username"], "Ada")

    async def test_whoever_comes_second_with_one_email_is_told(self) -> None:
        first, second = await self.client(), await self.client()
        for browser in (first, second):
            await browser.post("/login", data=NEW)
        person = {"username": "Ada", "role": "employee"}
        await first.post("/register", data=person)
        async with self.nothing_changes():
            answer = await second.post("/register", data=person)
        self.assertEqual(answer.headers["location"], "/login")
        self.assertIn("already registered", (await second.get("/login")).text)


class MistypedEmail(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.known = [await self.new_employee() for _ in range(3)]

    async def register_page(self, email: str) -> tuple[httpx.AsyncClient, httpx.Response]:
        browser = await self.client()
        await browser.post(
            "/login", data={"email": email, "password": PASSWORD, "next": "/tickets?new=1"}
        )
        page = await browser.get("/register")
        self.assertEqual(page.status_code, 200)
        self.assertIn(f'<p class="headline mb-1"><bdi>{email}</bdi></p>', page.text)
        self.assertIn("Not you? Use another e-mail", page.text)
        return browser, page

    async def test_a_near_miss_of_a_known_domain_is_asked_about(self) -> None:
        for email in ("ada@contso.example", "Ada@contoso.exmaple", "ada@contoso.exampl"):
            with self.subTest(email=email):
                browser, page = await self.register_page(email)
                suggested = f"{email.partition('@')[0]}@contoso.example"
                self.assertIn(f"<bdi>{suggested}</bdi>", page.text)
                again = await browser.post("/register", data={"username": "", "role": "employee"})
                self.assertIn(f"<bdi>{suggested}</bdi>", again.text)
                [link] = re.findall(r'href="(/login\?suggested[^"]*)"', page.text)
                self.assertNotIn("ada", link)
                login = await browser.get(unescape(link))
                self.assertIn(f'value="{suggested}"', login.text)
                self.assertIn('name="next" value="/tickets?new=1"', login.text)

    async def test_whether_the_suggested_address_is_registered_is_not_told(self) -> None:
        name = self.known[0].email.partition("@")[0]
        for email in (f"{name}@contso.example", "nobody@contso.example"):
            _, page = await self.register_page(email)
            self.assertIn("Did you mean this one?", page.text)

    async def test_other_domains_and_those_of_few_users_are_not_named(self) -> None:
        for number in range(2):
            person = {"username": f"Person {number}", "email": f"p{number}@fabrikam.example"}
            await (await self.client()).post(
                "/api/users", json=person | {"password": PASSWORD, "role": "employee"}
            )
        for email in (
            "ada@contoso.example",
            "ada@fabrikm.example",
            "ada@northwind.example",
            "ada@mail.contoso-travel.example",
        ):
            with self.subTest(email=email):
                _, page = await self.register_page(email)
                self.assertNotIn("Did you mean", page.text)
                self.assertNotIn("suggested", page.text)

    async def test_the_log_in_page_suggests_nothing_by_itself(self) -> None:
        browser = await self.client()
        page = await browser.get("/login?suggested=1")
        self.assertIn('autofocus value=""', page.text)


class RegisterAtOnce(CommittingTestCase):
    async def test_two_at_the_same_moment_make_one_user(self) -> None:
        browsers = [await self.client() for _ in range(3)]
        for browser in browsers:
            await browser.post("/login", data=NEW)
        answers = await asyncio.gather(
            *(
                browser.post("/register", data={"username": "Ada", "role": "employee"})
                for browser in browsers
            )
        )
        self.assertEqual(
            sorted(answer.headers["location"] for answer in answers),
            ["/login", "/login", "/tickets"],
        )
        async with self.database.reading() as connection:
            self.assertEqual(await connection.scalar(select(func.count()).select_from(User)), 1)


class LogOut(AppTestCase):
    async def test_the_session_is_gone_on_the_server_too(self) -> None:
        user = await self.new_employee()
        browser = await self.browser_of(user)
        stolen = dict(browser.cookies)
        self.assertEqual((await browser.get("/tickets")).status_code, 200)
        answer = await browser.post("/logout")
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/login"))
        thief = await self.client()
        for name, value in stolen.items():
            thief.cookies.set(name, value, domain="localhost.local")
        for anyone in (browser, thief):
            self.assertEqual((await anyone.get("/tickets")).status_code, 303)

    async def test_a_link_does_not_log_out(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        self.assertEqual((await browser.get("/logout")).status_code, 405)
        self.assertEqual((await browser.get("/tickets")).status_code, 200)

    async def test_who_was_logged_in_is_told_that_the_session_ended(self) -> None:
        user, boss = await self.new_employee(), await self.new_employer()
        browser = await self.browser_of(user)
        await self.suspend(user, by=boss)
        answer = await browser.get("/tickets")
        self.assertEqual(answer.headers["location"], "/login?next=/tickets")
        self.assertIn("Your session has ended", (await browser.get("/login")).text)
