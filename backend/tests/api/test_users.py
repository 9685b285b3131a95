"""Registering, logging in and out through the API."""

import asyncio
from datetime import timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import func, select, update

from expenses.users.models import Role, User, UserSession
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings, registration


class Register(AppTestCase):
    async def test_a_new_user_is_registered_and_logged_in(self) -> None:
        api = await self.client()
        answer = await api.post("/api/users", json=registration())
        self.assertEqual(answer.status_code, 201)
        body = answer.json()
        self.assertEqual(set(body), {"token", "expires_at", "user"})
        self.assertEqual(
            {key: body["user"][key] for key in ("email", "username", "role", "suspended")},
            {
                "email": "ada@contoso.example",
                "username": "Ada",
                "role": "employee",
                "suspended": False,
            },
        )
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id),
            ("user.registered", body["user"]["id"], body["user"]["id"]),
        )
        me = await api.get("/api/me", headers={"Authorization": f"Bearer {body['token']}"})
        self.assertEqual(me.json(), body["user"])

    async def test_an_email_is_taken_whatever_its_case(self) -> None:
        api = await self.client()
        await api.post("/api/users", json=registration())
        async with self.nothing_changes():
            answer = await api.post("/api/users", json=registration(email="ADA@Contoso.Example"))
        self.assert_problem(answer, 409, "email-taken")

    async def test_every_wrong_field_is_named(self) -> None:
        api = await self.client()
        wrong = {"email": "ada", "password": "", "username": " ", "role": "boss", "status": "x"}
        async with self.nothing_changes():
            answer = await api.post("/api/users", json=wrong)
        body = self.assert_problem(answer, 422, "invalid-input")
        self.assertEqual({error["field"] for error in body["errors"]}, set(wrong))

    async def test_a_password_has_to_be_good_enough(self) -> None:
        api = await self.client()
        for password in (
            "short 7",
            "x" * 201,
            "password1",
            "ADA@contoso.example",
            "Contoso2026!",
            "nul\0nul\0nul",
        ):
            with self.subTest(password=password):
                async with self.nothing_changes():
                    answer = await api.post("/api/users", json=registration(password=password))
                body = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in body["errors"]], ["password"])

    async def test_long_passwords_count_to_their_last_character(self) -> None:
        api = await self.client()
        long = "x" * 199
        await api.post("/api/users", json=registration(password=long + "a"))
        answer = await api.post(
            "/api/session", json={"email": "ada@contoso.example", "password": long + "b"}
        )
        self.assert_problem(answer, 401, "wrong-password")

    async def test_an_employer_needs_the_code_where_there_is_one(self) -> None:
        app = self.start_app(make_settings(employer_code=SecretStr("open sesame")))
        api = await self.client(app)
        for code in ({}, {"employer_code": "wrong"}, {"employer_code": ""}):
            async with self.nothing_changes():
                answer = await api.post("/api/users", json=registration(role="employer", **code))
            body = self.assert_problem(answer, 422, "invalid-input")
            self.assertEqual([error["field"] for error in body["errors"]], ["employer_code"])
        answer = await api.post(
            "/api/users", json=registration(role="employer", employer_code="open sesame")
        )
        self.assertEqual(answer.json()["user"]["role"], "employer")

    async def test_odd_names_are_kept_and_control_characters_refused(self) -> None:
        api = await self.client()
        for number, name in enumerate(("李", "מִרְיָם", "😀", "O'Brien <b>", "x" * 80)):
            answer = await api.post(
                "/api/users", json=registration(email=f"n{number}@contoso.example", username=name)
            )
            self.assertEqual(answer.json()["user"]["username"], name)
        for name in ("a\0b", "a\nb", "\ud800", "x" * 81):
            async with self.nothing_changes():
                answer = await api.post(
                    "/api/users",
                    content=f'{{"email": "o@contoso.example", "password": "{PASSWORD}", '
                    f'"role": "employee", "username": {ascii_json(name)}}}',
                    headers={"Content-Type": "application/json"},
                )
            body = self.assert_problem(answer, 422, "invalid-input")
            self.assertEqual([error["field"] for error in body["errors"]], ["username"])


class RegisterAtOnce(CommittingTestCase):
    async def test_of_two_with_one_email_one_is_told(self) -> None:
        api = await self.client()
        answers = await asyncio.gather(
            *(api.post("/api/users", json=registration(username=f"Ada {n}")) for n in range(4))
        )
        self.assertEqual(sorted(answer.status_code for answer in answers), [201, 409, 409, 409])
        async with self.database.reading() as connection:
            self.assertEqual(await connection.scalar(select(func.count()).select_from(User)), 1)
        self.assertEqual(len(await self.events("user.registered")), 1)


class LogIn(AppTestCase):
    async def test_the_right_password_opens_a_session(self) -> None:
        user = await self.new_employee()
        api = await self.client()
        answer = await api.post(
            "/api/session", json={"email": user.email.upper(), "password": PASSWORD}
        )
        self.assertEqual(answer.status_code, 200)
        token = answer.json()["token"]
        me = await api.get("/api/me", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(me.json()["id"], user.id)

    async def test_refusals_have_codes_of_their_own(self) -> None:
        user, boss = await self.new_employee(), await self.new_employer()
        api = await self.client()

        async def log_in(email: str, password: str) -> Any:
            return await api.post("/api/session", json={"email": email, "password": password})

        self.assert_problem(await log_in(user.email, "wrong wrong"), 401, "wrong-password")
        self.assert_problem(await log_in("nobody@contoso.example", PASSWORD), 404, "not-registered")
        await self.suspend(user, by=boss)
        self.assert_problem(await log_in(user.email, "wrong wrong"), 401, "wrong-password")
        self.assert_problem(await log_in(user.email, PASSWORD), 403, "suspended")

    async def test_the_token_itself_is_not_stored(self) -> None:
        token = await self.token_of(await self.new_employee())
        async with self.database.reading() as connection:
            stored = await connection.scalar(select(UserSession.token_hash))
        assert stored is not None
        self.assertNotIn(token.encode(), stored)


class LogOut(AppTestCase):
    async def test_the_token_is_dead_and_the_others_live(self) -> None:
        user = await self.new_employee()
        here, there = await self.program_of(user), await self.program_of(user)
        self.assertEqual((await here.delete("/api/session")).status_code, 204)
        self.assert_problem(await here.get("/api/me"), 401, "not-logged-in")
        self.assertEqual((await there.get("/api/me")).status_code, 200)

    async def test_a_session_ends_when_it_expires(self) -> None:
        api = await self.program_of(await self.new_employee())
        async with self.database.transaction() as connection:
            await connection.execute(
                update(UserSession).values(expires_at=func.now() - timedelta(seconds=1))
            )
        self.assert_problem(await api.get("/api/me"), 401, "not-logged-in")

    async def test_no_token_and_odd_tokens_are_nobodys(self) -> None:
        for header in ("", "Bearer", "Bearer x y", "Basic eDp5"):
            api = await self.client(Authorization=header)
            answer = await api.get("/api/me")
            self.assert_problem(answer, 401, "not-logged-in")
            self.assertEqual(answer.headers["www-authenticate"], "Bearer")

    async def test_the_browsers_cookie_works_for_the_api_too(self) -> None:
        user = await self.new_user(Role.EMPLOYER)
        browser = await self.browser_of(user)
        self.assertEqual((await browser.get("/api/me")).json()["id"], user.id)


def ascii_json(value: str) -> str:
    return '"' + "".join(f"\\u{ord(character):04x}" for character in value) + '"'
