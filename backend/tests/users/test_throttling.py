"""Too many tries, at pages and API together."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import Row, select, update

from expenses.users.models import Attempts
from expenses.users.queries import UserView
from expenses.web import housekeeping
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings, registration

FORWARDED = "X-Forwarded-For"


class ThrottlingTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        # Each wrong password takes a quarter of a second.
        self.limit(login_attempts=2)

    def limit(self, **settings: Any) -> None:
        self.settings = self.app.state.settings = make_settings(**settings)

    async def try_api(
        self, user: UserView, password: str = "wrong wrong", **headers: str
    ) -> httpx.Response:
        api = await self.client(**headers)
        return await api.post("/api/session", json={"email": user.email, "password": password})

    async def try_page(
        self,
        user: UserView,
        password: str = "wrong wrong",
        browser: httpx.AsyncClient | None = None,
    ) -> httpx.Response:
        browser = browser or await self.client()
        return await browser.post("/login", data={"email": user.email, "password": password})

    async def attempts(self) -> list[Row[Attempts]]:
        async with self.database.reading() as connection:
            return list((await connection.execute(select(Attempts))).all())

    async def let_time_pass(self) -> None:
        async with self.database.transaction() as connection:
            before = datetime.now(UTC) - timedelta(hours=1)
            await connection.execute(update(Attempts).values(forgotten_at=before))


class LogIn(ThrottlingTestCase):
    async def test_pages_and_api_count_together(self) -> None:
        ada = await self.new_employee()
        self.assert_problem(await self.try_api(ada), 401, "wrong-password")
        self.assertEqual((await self.try_page(ada)).status_code, 401)
        async with self.nothing_changes():
            refused = await self.try_api(ada, PASSWORD)
            page = await self.try_page(ada, PASSWORD)
        self.assert_problem(refused, 429, "too-many-attempts")
        self.assertEqual(page.status_code, 429)
        self.assertIn("Too many attempts. Try again in 15 min.", page.text)
        self.assertIn(f'value="{ada.email}"', page.text)
        self.assertNotIn(PASSWORD, page.text)
        for answer in (refused, page):
            self.assertTrue(840 <= int(answer.headers["retry-after"]) <= 900)
        self.assertNotIn("token", page.cookies)

    async def test_the_case_of_the_email_makes_no_difference(self) -> None:
        ada = await self.new_employee()
        for email in (ada.email, ada.email.upper(), ada.email.title()):
            api = await self.client()
            last = await api.post("/api/session", json={"email": email, "password": "wrong"})
        self.assert_problem(last, 429, "too-many-attempts")

    async def test_others_are_not_concerned(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        for _ in range(3):
            await self.try_api(ada)
        self.assertEqual((await self.try_api(ben, PASSWORD)).status_code, 200)

    async def test_a_right_password_does_not_count(self) -> None:
        ada = await self.new_employee()
        for _ in range(4):
            self.assertEqual((await self.try_api(ada, PASSWORD)).status_code, 200)
        self.assertEqual((await self.try_api(ada)).status_code, 401)
        self.assertEqual((await self.try_api(ada, PASSWORD)).status_code, 200)

    async def test_it_ends_by_itself_however_often_one_tries_meanwhile(self) -> None:
        ada = await self.new_employee()
        for _ in range(2):
            await self.try_api(ada)
        ends = {attempts.key: attempts.forgotten_at for attempts in await self.attempts()}
        for _ in range(5):
            self.assert_problem(await self.try_api(ada), 429, "too-many-attempts")
        self.assertEqual(
            ends, {attempts.key: attempts.forgotten_at for attempts in await self.attempts()}
        )
        await self.let_time_pass()
        self.assertEqual((await self.try_api(ada, PASSWORD)).status_code, 200)

    async def test_a_suspended_employee_is_told_so_and_not_more_often(self) -> None:
        ada, dana = await self.new_employee(), await self.new_employer()
        await self.suspend(ada, by=dana)
        for _ in range(2):
            self.assert_problem(await self.try_api(ada, PASSWORD), 403, "suspended")
        self.assert_problem(await self.try_api(ada, PASSWORD), 429, "too-many-attempts")

    async def test_neither_address_nor_email_can_be_read_in_the_database(self) -> None:
        ada = await self.new_employee()
        await self.try_api(ada)
        kept = await self.attempts()
        self.assertEqual({len(attempts.key) for attempts in kept}, {32})
        self.assertEqual(len(kept), 2)

    async def test_what_is_forgotten_is_deleted(self) -> None:
        await self.try_api(await self.new_employee())
        await housekeeping.tidy(self.database, self.app.state.storage)
        self.assertEqual(len(await self.attempts()), 2)
        await self.let_time_pass()
        await housekeeping.tidy(self.database, self.app.state.storage)
        self.assertEqual(await self.attempts(), [])


class KnownBrowsers(ThrottlingTestCase):
    """A stranger who keeps trying cannot keep the user out."""

    async def test_where_one_has_logged_in_before_one_gets_in(self) -> None:
        ada = await self.new_employee()
        browser = await self.client()
        self.assertEqual((await self.try_page(ada, PASSWORD, browser)).status_code, 303)
        await browser.post("/logout")
        for _ in range(3):
            await self.try_page(ada)
        self.assertEqual((await self.try_page(ada, PASSWORD)).status_code, 429)
        self.assertEqual((await self.try_page(ada, PASSWORD, browser)).status_code, 303)

    async def test_it_is_limited_too(self) -> None:
        ada = await self.new_employee()
        browser = await self.client()
        await self.try_page(ada, PASSWORD, browser)
        for status in (401, 401, 429):
            self.assertEqual((await self.try_page(ada, browser=browser)).status_code, status)
        self.assertEqual((await self.try_page(ada, PASSWORD)).status_code, 303)

    async def test_it_opens_nobody_elses_door(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        browser = await self.client()
        await self.try_page(ben, PASSWORD, browser)
        for _ in range(2):
            await self.try_page(ada)
        self.assertEqual((await self.try_page(ada, PASSWORD, browser)).status_code, 429)

    async def test_a_forged_one_is_nothing(self) -> None:
        ada = await self.new_employee()
        for _ in range(2):
            await self.try_page(ada)
        for forged in ("x", "", "W10.x", "e30", "\x01"):
            browser = await self.client(Cookie=f"expenses-device={forged}")
            self.assertEqual((await self.try_page(ada, PASSWORD, browser)).status_code, 429)


class Addresses(ThrottlingTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.limit(address_attempts=2)

    async def test_many_emails_from_one_address(self) -> None:
        api = await self.client()
        for number, status in enumerate((404, 404, 429)):
            answer = await api.post(
                "/api/session", json={"email": f"nobody{number}@x.example", "password": "wrong"}
            )
            self.assertEqual(answer.status_code, status)

    async def test_a_forged_address_changes_nothing(self) -> None:
        for number, status in enumerate((401, 401, 429)):
            answer = await self.try_api(
                await self.new_employee(), **{FORWARDED: f"203.0.113.{number}"}
            )
            self.assertEqual(answer.status_code, status)

    async def test_behind_a_trusted_proxy_it_is_the_one_the_proxy_saw(self) -> None:
        settings = make_settings(address_attempts=2, trusted_proxies=["127.0.0.0/8", "10.0.0.1"])
        app = self.start_app(settings)

        async def attempt(forwarded: str) -> int:
            ada = await self.new_employee()
            api = await self.client(app, **{FORWARDED: forwarded})
            answer = await api.post("/api/session", json={"email": ada.email, "password": "wrong"})
            return answer.status_code

        # What stands to the left was sent by the caller, who may write anything there.
        statuses = [await attempt(f"198.51.100.{n}, 203.0.113.7, 10.0.0.1") for n in range(3)]
        self.assertEqual(statuses, [401, 401, 429])
        self.assertEqual(await attempt("203.0.113.8"), 401)

    async def test_one_customers_network_is_one_address(self) -> None:
        app = self.start_app(make_settings(address_attempts=2, trusted_proxies=["127.0.0.1"]))
        statuses = []
        for number in range(3):
            api = await self.client(app, **{FORWARDED: f"2001:db8:0:7::{number}"})
            answer = await api.post(
                "/api/session", json={"email": f"nobody{number}@x.example", "password": "wrong"}
            )
            statuses.append(answer.status_code)
        self.assertEqual(statuses, [404, 404, 429])


class Registrations(ThrottlingTestCase):
    async def test_both_doors_count_together(self) -> None:
        self.limit(address_registrations=2)
        api = await self.client()
        self.assertEqual((await api.post("/api/users", json=registration())).status_code, 201)
        begun = await (await self.client()).post(
            "/login", data={"email": "ben@contoso.example", "password": PASSWORD}
        )
        self.assertEqual(begun.headers["location"], "/register")
        async with self.nothing_changes():
            refused = await api.post("/api/users", json=registration(email="eve@contoso.example"))
            page = await (await self.client()).post(
                "/login", data={"email": "eve@contoso.example", "password": PASSWORD}
            )
        self.assert_problem(refused, 429, "too-many-attempts")
        self.assertTrue(3500 <= int(refused.headers["retry-after"]) <= 3600)
        self.assertEqual(page.status_code, 429)
        self.assertIn("Too many attempts", page.text)

    async def test_the_employers_code_cannot_be_guessed_for_long(self) -> None:
        self.limit(address_registrations=3, employer_code=SecretStr("let me in"))
        browser = await self.client()
        await browser.post("/login", data={"email": "eve@contoso.example", "password": PASSWORD})
        async with self.nothing_changes():
            statuses = [
                (
                    await browser.post(
                        "/register",
                        data={"username": "Eve", "role": "employer", "employer_code": code},
                    )
                ).status_code
                for code in ("a", "b", "let me in")
            ]
        self.assertEqual(statuses, [422, 422, 429])


class OldPassword(ThrottlingTestCase):
    async def test_it_cannot_be_guessed_in_an_open_connection(self) -> None:
        ada = await self.new_employee()
        api, browser = await self.program_of(ada), await self.browser_of(ada)
        form = {"old": "wrong", "new": "a rarer horse 8", "again": "a rarer horse 8"}
        self.assertEqual((await browser.post("/account/password", data=form)).status_code, 422)
        guess = {"old": "wrong", "new": "a rarer horse 8"}
        answer = await api.post("/api/me/password", json=guess)
        self.assert_problem(answer, 422, "invalid-input")
        async with self.nothing_changes():
            answer = await api.post("/api/me/password", json=guess | {"old": PASSWORD})
            page = await browser.post("/account/password", data=form | {"old": PASSWORD})
        self.assert_problem(answer, 429, "too-many-attempts")
        self.assertEqual(page.status_code, 429)
        self.assertIn("Too many attempts", page.text)
        self.assertIn("retry-after", page.headers)


class AtOnce(CommittingTestCase):
    async def test_as_many_as_the_limit_are_let_through(self) -> None:
        ada = await self.new_employee()
        self.app.state.settings = make_settings(login_attempts=3)
        other = self.start_app(make_settings(login_attempts=3))
        doors = [await self.client(self.app), await self.client(other)] * 5
        answers = await asyncio.gather(
            *(
                door.post("/api/session", json={"email": ada.email, "password": "wrong"})
                for door in doors
            )
        )
        statuses = sorted(answer.status_code for answer in answers)
        self.assertEqual(statuses, [401] * 3 + [429] * 7)
