"""Logging in with a passkey: after the password, instead of it, or because one has to have one."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import select, update

from expenses.notifications import mails
from expenses.notifications.outbox import Channel, ClaimedMessage, message_table
from expenses.notifications.security_mails import SECURITY_MAILS
from expenses.users.models import Role, session_table
from expenses.users.second_factor.models import (
    passkey_table,
    pending_log_in_table,
    recovery_code_table,
)
from tests.authenticator import Authenticator
from tests.harness import PASSWORD, make_settings
from tests.portal.passkey_harness import CODE, PAGE, STEP, PasskeyTestCase

NEW = "another horse 10"
FIRST = "/login/first-passkey"
CODES = "/login/recovery-code"
INSTEAD = "/login/passkey"


class AfterThePassword(PasskeyTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        await self.give_passkey()

    async def test_it_is_asked_for(self) -> None:
        self.assertEqual(await self.log_in(), STEP)
        self.assertFalse(await self.is_in())
        self.assertIn(self.ada.email, (await self.http.get(STEP)).text)
        question = await self.question(STEP)
        self.assertEqual(len(question["allowCredentials"]), 1)
        # A device that asks for no PIN will do: the password was asked for.
        self.device.verifies_user = False
        answer = await self.answer(STEP, self.device.get(question))
        self.assertEqual(answer.headers["location"], "/tickets")
        self.assertTrue(await self.is_in())
        [stored] = await self.rows(passkey_table)
        self.assertEqual(stored.sign_count, 1)
        self.assertIsNotNone(stored.last_used_at)
        self.assertEqual(await self.rows(pending_log_in_table), [])

    async def test_it_leads_to_where_one_was_going(self) -> None:
        data = {"email": self.ada.email, "password": PASSWORD, "next": "/account"}
        await self.http.post("/login", data=data)
        answer = await self.answer(STEP, self.device.get(await self.question(STEP)))
        self.assertEqual(answer.headers["location"], "/account")

    async def test_what_is_not_right_is_refused(self) -> None:
        await self.log_in()
        other = Authenticator()
        await self.add(await self.browser_of(await self.new_employee()), other)
        stranger = Authenticator(credential_id=self.device.credential_id)
        answers: dict[str, Callable[[dict[str, Any]], str]] = {
            "somebody else's": other.get,
            "with another key": stranger.get,
            "a wrong signature": lambda question: self.device.get(question, lambda it: it[:-1]),
            "another challenge": lambda question: self.device.get(question | {"challenge": "AA"}),
            "another site": lambda question: self.device.get(question | {"rpId": "evil.example"}),
        }
        for case, credential in answers.items():
            with self.subTest(case):
                question = await self.question(STEP)
                await self.assert_refused(await self.answer(STEP, credential(question)), STEP)
        self.device.origin = "https://evil.example"
        answer = await self.answer(STEP, self.device.get(await self.question(STEP)))
        await self.assert_refused(answer, STEP)

    async def test_a_device_that_counts_backwards_is_refused(self) -> None:
        self.device.sign_count = 6
        await self.log_in()
        await self.answer(STEP, self.device.get(await self.question(STEP)))
        for counted in (5, 6):
            self.device.sign_count = counted
            self.http = await self.client()
            await self.log_in()
            answer = await self.answer(STEP, self.device.get(await self.question(STEP)))
            await self.assert_refused(answer, STEP)

    async def test_neither_an_answer_nor_a_log_in_works_twice(self) -> None:
        await self.log_in()
        credential = self.device.get(await self.question(STEP))
        thief = await self.client()
        thief.cookies.update(self.http.cookies)
        self.assertEqual((await self.answer(STEP, credential)).headers["location"], "/tickets")
        self.http = thief
        answer = await self.answer(STEP, credential)
        await self.assert_refused(answer, "/login", "The log-in took too long.")

    async def test_it_ends_after_ten_minutes(self) -> None:
        await self.log_in()
        credential = self.device.get(await self.question(STEP))
        async with self.database.transaction() as connection:
            earlier = pending_log_in_table.c.expires_at - timedelta(minutes=10)
            await connection.execute(update(pending_log_in_table).values(expires_at=earlier))
        answer = await self.answer(STEP, credential)
        await self.assert_refused(answer, "/login", "The log-in took too long.")
        answer = await self.http.post(f"{STEP}/options")
        self.assert_problem(answer, 410, "log-in-expired")

    async def test_a_suspension_and_a_new_password_end_it(self) -> None:
        await self.log_in()
        browser = await self.browser_of(self.ada)
        await browser.post("/account/password", data={"old": PASSWORD, "new": NEW, "again": NEW})
        answer = await self.answer(STEP, self.device.get(await self.question(STEP)))
        await self.assert_refused(answer, "/login", "The password is wrong.")
        await self.http.post("/login", data={"email": self.ada.email, "password": NEW})
        question = await self.question(STEP)
        await self.suspend(self.ada, by=await self.new_employer())
        answer = await self.answer(STEP, self.device.get(question))
        await self.assert_refused(answer, "/login", "suspended")

    async def test_the_password_alone_adds_no_other_passkey(self) -> None:
        await self.log_in()
        question = await self.question(STEP)
        self.assertNotIn("user", question)
        asked = {"rp": {"id": "localhost"}, "challenge": question["challenge"]}
        async with self.nothing_changes():
            answer = await self.answer(FIRST, Authenticator().create(asked))
        await self.assert_refused(answer, STEP)

    async def test_nor_while_somebody_is_adding_their_first(self) -> None:
        self.require("everybody")
        eve = await self.new_employee()
        await self.log_in(user=eve)
        question = await self.question(STEP)
        await self.add(await self.browser_of(eve), Authenticator())
        async with self.nothing_changes():
            answer = await self.answer(FIRST, Authenticator().create(question))
        await self.assert_refused(answer, "/login", "The log-in took too long.")

    async def test_a_link_for_a_new_password_does_not_get_around_it(self) -> None:
        token = await self.reset_token(self.ada)
        answer = await self.http.post("/reset", data={"token": token, "new": NEW, "again": NEW})
        self.assertEqual(answer.headers["location"], "/login")
        self.assertFalse(await self.is_in())
        answer = await self.http.post("/login", data={"email": self.ada.email, "password": NEW})
        self.assertEqual(answer.headers["location"], STEP)

    async def test_the_api_says_so(self) -> None:
        sessions = await self.rows(session_table)
        async with self.nothing_changes():
            answer = await self.http.post(
                "/api/session", json={"email": self.ada.email, "password": PASSWORD}
            )
        self.assert_problem(answer, 403, "second-factor-required")
        self.assertEqual(await self.rows(session_table), sessions)
        answer = await self.http.post(
            "/api/session", json={"email": self.ada.email, "password": "wrong"}
        )
        self.assert_problem(answer, 401, "wrong-password")

    async def test_without_the_password_there_is_no_page(self) -> None:
        answer = await self.http.get(STEP)
        self.assertEqual(answer.headers["location"], "/login")


class InsteadOfThePassword(PasskeyTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        await self.give_passkey()

    async def test_it_is_enough_where_the_device_knows_its_user(self) -> None:
        question = await self.question(INSTEAD)
        self.assertEqual(question["userVerification"], "required")
        self.assertEqual(question["allowCredentials"], [])
        answer = await self.answer(INSTEAD, self.device.get(question))
        self.assertEqual(answer.headers["location"], "/tickets")
        self.assertTrue(await self.is_in())

    async def test_it_is_not_where_the_device_asks_nobody(self) -> None:
        self.device.verifies_user = False
        answer = await self.answer(INSTEAD, self.device.get(await self.question(INSTEAD)))
        await self.assert_refused(answer, "/login")

    async def test_an_answer_works_once(self) -> None:
        credential = self.device.get(await self.question(INSTEAD))
        thief = await self.client()
        thief.cookies.update(self.http.cookies)
        await self.answer(INSTEAD, credential)
        self.http = thief
        await self.assert_refused(await self.answer(INSTEAD, credential), "/login")

    async def test_a_challenge_of_the_second_step_is_another_one(self) -> None:
        await self.log_in()
        answer = await self.answer(INSTEAD, self.device.get(await self.question(STEP)))
        await self.assert_refused(answer, "/login")
        answer = await self.answer(STEP, self.device.get(await self.question(INSTEAD)))
        await self.assert_refused(answer, STEP)

    async def test_a_passkey_that_nobody_has_is_refused(self) -> None:
        answer = await self.answer(INSTEAD, Authenticator().get(await self.question(INSTEAD)))
        await self.assert_refused(answer, "/login")

    async def test_a_suspended_user_stays_out(self) -> None:
        await self.suspend(self.ada, by=await self.new_employer())
        answer = await self.answer(INSTEAD, self.device.get(await self.question(INSTEAD)))
        await self.assert_refused(answer, "/login", "This account is suspended.")

    async def test_not_where_single_sign_on_alone_is_wanted(self) -> None:
        question = await self.question(INSTEAD)
        self.require(
            "optional",
            oidc_issuer="https://login.contoso.example",
            oidc_client_id="expenses",
            oidc_client_secret="secret",
            oidc_only=True,
        )
        answer = await self.answer(INSTEAD, self.device.get(question))
        await self.assert_refused(answer, "/login", "SSO")
        answer = await self.http.post(f"{INSTEAD}/options")
        self.assert_problem(answer, 403, "passwords-off")
        self.assertNotIn("data-passkey", (await self.http.get("/login")).text)

    async def test_questions_are_limited(self) -> None:
        self.require("optional", address_attempts=2)
        for _ in range(2):
            await self.question(INSTEAD)
        answer = await self.http.post(f"{INSTEAD}/options")
        self.assert_problem(answer, 429, "too-many-attempts")

    async def test_what_is_no_answer_is_refused(self) -> None:
        await self.log_in()
        good = json.loads(self.device.get(await self.question(INSTEAD)))
        nonsense: list[Any] = ["", "{", "[]", "null", "[" * 5000, '"\\ud800"', "\0", "{}"]
        for part in ("clientDataJSON", "authenticatorData", "signature"):
            for value in ("", "AA", "!", "ü", 1, None, "oWFh"):
                nonsense.append(json.dumps(good | {"response": good["response"] | {part: value}}))
        for part in ("id", "rawId", "type", "response"):
            nonsense.append(json.dumps(good | {part: 1}))
        for credential in nonsense:
            for path, page in ((INSTEAD, "/login"), (STEP, STEP)):
                await self.question(path)
                answer = await self.answer(path, credential)
                self.assertEqual(answer.headers.get("location"), page, credential)
        self.assertFalse(await self.is_in())


class RecoveryCodes(PasskeyTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.codes = await self.give_passkey()

    async def test_each_stands_in_for_a_passkey_once(self) -> None:
        await self.log_in()
        typed = f" {self.codes[0].upper().replace('-', ' ')} "
        answer = await self.http.post(CODES, data={"code": typed})
        self.assertEqual(answer.headers["location"], "/tickets")
        [event] = await self.events("user.recovery_code_used")
        self.assertEqual(
            (event.actor_id, event.user_id, event.details), (self.ada.id, self.ada.id, {"left": 9})
        )
        self.assertIn("9 recovery codes are left.", (await self.http.get("/tickets")).text)
        self.http = await self.client()
        await self.log_in()
        async with self.nothing_changes():
            page = await self.http.post(CODES, data={"code": self.codes[0]})
        self.assertEqual(page.status_code, 422)
        self.assertIn("This is none of your codes, or it has been used.", page.text)
        self.assertFalse(await self.is_in())

    async def test_somebody_elses_and_nonsense_are_refused(self) -> None:
        eve = await self.new_employee()
        page = await self.add(await self.browser_of(eve), Authenticator())
        await self.log_in()
        for code in (CODE.findall(page.text)[0], "", "\0", "ü" * 10_000):
            async with self.nothing_changes():
                answer = await self.http.post(CODES, data={"code": code})
            self.assertEqual(answer.status_code, 422)
        self.assertEqual(len(await self.rows(recovery_code_table)), 20)
        self.assertFalse(await self.is_in())

    async def test_guessing_is_limited(self) -> None:
        self.require("optional", login_attempts=2)
        await self.log_in()
        for _ in range(2):
            await self.http.post(CODES, data={"code": "guessed"})
        async with self.nothing_changes():
            answer = await self.http.post(CODES, data={"code": self.codes[0]})
        self.assertEqual(answer.status_code, 429)
        self.assertIn("retry-after", answer.headers)

    async def test_not_without_the_password(self) -> None:
        answer = await self.http.post(CODES, data={"code": self.codes[0]})
        await self.assert_refused(answer, "/login", "The log-in took too long.")
        self.assertEqual(len(await self.rows(recovery_code_table)), 10)


class Required(PasskeyTestCase):
    async def test_whoever_has_none_adds_one_before_anything_else(self) -> None:
        self.require("everybody")
        self.assertEqual(await self.log_in(), STEP)
        self.assertIn("Your company asks for a passkey", (await self.http.get(STEP)).text)
        self.assertFalse(await self.is_in())
        question = await self.question(STEP)
        self.assertEqual(question["user"]["name"], self.ada.email)
        page = await self.answer(FIRST, self.device.create(question))
        self.assertEqual((page.status_code, len(CODE.findall(page.text))), (200, 10))
        self.assertIn('href="/tickets"', page.text)
        self.assertEqual(len(await self.events("user.passkey_added")), 1)
        self.assertTrue(await self.is_in())
        self.http = await self.client()
        await self.log_in()
        answer = await self.answer(STEP, self.device.get(await self.question(STEP)))
        self.assertEqual(answer.headers["location"], "/tickets")

    async def test_a_question_is_answered_or_nobody_is_in(self) -> None:
        self.require("everybody")
        await self.log_in()
        question = await self.question(STEP)
        async with self.nothing_changes():
            answer = await self.answer(FIRST, self.device.create(question | {"challenge": "AA"}))
        await self.assert_refused(answer, STEP)
        self.assertEqual(await self.rows(passkey_table), [])

    async def test_employers_alone(self) -> None:
        self.require("employers")
        self.assertEqual(await self.log_in(), "/tickets")
        self.http = await self.client()
        self.assertEqual(await self.log_in(user=await self.new_employer()), STEP)

    async def test_whoever_becomes_an_employer_logs_in_again_with_one(self) -> None:
        self.require("employers")
        boss = await self.new_employer()
        browser, program = await self.browser_of(boss), await self.program_of(boss)
        role = f"/api/users/{self.ada.id}/role"
        for is_program in (False, True):
            self.http = await self.client()
            self.assertEqual(await self.log_in(), "/tickets")
            if is_program:
                await program.put(role, json={"role": "employer"})
            else:
                await browser.post(f"/admin/employers/{self.ada.id}/make-employer")
            event = await self.last_event()
            self.assertEqual(event.action, "user.role_changed")
            self.assertEqual(event.details["role"], "employer")
            self.assertEqual(event.details["sessions_ended"], 1)
            self.assertFalse(await self.is_in())
            self.assertEqual(await self.log_in(), STEP)
            await program.put(role, json={"role": "employee"})
            self.assertNotIn("sessions_ended", (await self.last_event()).details)

    async def test_whoever_registers_adds_one_first(self) -> None:
        self.require("everybody")
        await self.http.post("/login", data={"email": "new@contoso.example", "password": PASSWORD})
        answer = await self.http.post("/register", data={"username": "New", "role": "employee"})
        self.assertEqual(answer.headers["location"], STEP)
        self.assertFalse(await self.is_in())
        await self.answer(FIRST, self.device.create(await self.question(STEP)))
        self.assertTrue(await self.is_in())

    async def test_whoever_is_invited_adds_one_first(self) -> None:
        self.require("everybody")
        sent = await self.invite("new@contoso.example", by=await self.new_employer())
        answer = await self.http.post(
            "/invited", data={"token": sent.secret, "username": "New", "new": NEW}
        )
        self.assertEqual(answer.headers["location"], STEP)
        self.assertFalse(await self.is_in())

    async def test_programs_neither_register_nor_log_in(self) -> None:
        self.require("employers")
        boss = await self.new_employer()
        async with self.nothing_changes():
            answer = await self.http.post(
                "/api/users",
                json={
                    "email": "new@contoso.example",
                    "password": PASSWORD,
                    "username": "New",
                    "role": "employer",
                },
            )
            self.assert_problem(answer, 403, "second-factor-required")
            answer = await self.http.post(
                "/api/session", json={"email": boss.email, "password": PASSWORD}
            )
            self.assert_problem(answer, 403, "second-factor-required")


class Lost(PasskeyTestCase):
    async def test_an_employer_removes_them_all(self) -> None:
        await self.give_passkey()
        await self.log_in()
        boss = await self.new_employer()
        browser = await self.browser_of(boss)
        details = f"/admin/employee/details/{self.ada.id}"
        self.assertIn("Remove their passkeys", (await browser.get(details)).text)
        answer = await browser.post(f"/admin/employee/{self.ada.id}/reset-second-factor")
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, details))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            ("user.second_factor_reset", boss.id, self.ada.id, {"sessions_ended": 1}),
        )
        for table in (passkey_table, recovery_code_table, pending_log_in_table):
            self.assertEqual(await self.rows(table), [])
        self.assertNotIn("Remove their passkeys", (await browser.get(details)).text)
        self.assertEqual(await self.log_in(), "/tickets")

    async def test_not_another_employers(self) -> None:
        boss, other = await self.new_employer(), await self.new_employer()
        await self.give_passkey(other)
        browser = await self.browser_of(boss)
        async with self.nothing_changes():
            page = await browser.post(f"/admin/employee/{other.id}/reset-second-factor")
        self.assertEqual(page.status_code, 404)
        self.assertEqual(len(await self.rows(passkey_table)), 1)


class Mails(PasskeyTestCase):
    async def test_each_change_is_mailed(self) -> None:
        self.database.outgoing = {Channel.MAIL: asyncio.Event()}
        codes = await self.give_passkey()
        browser = await self.browser_of(self.ada)
        await browser.post(f"{PAGE}/recovery-codes", data={"code_password": PASSWORD})
        await self.log_in()
        page = await browser.post(f"{PAGE}/recovery-codes", data={"code_password": PASSWORD})
        await self.http.post(CODES, data={"code": CODE.findall(page.text)[0]})
        [passkey] = await self.rows(passkey_table)
        await browser.post(f"{PAGE}/{passkey.id}/remove", data={"password": PASSWORD})
        boss = await self.browser_of(await self.new_user(Role.EMPLOYER))
        await boss.post(f"/admin/employee/{self.ada.id}/reset-second-factor")
        async with self.database.reading() as connection:
            messages = (
                await connection.execute(select(message_table).order_by(message_table.c.id))
            ).all()
        settings = make_settings(smtp_url="smtp://localhost")
        texts = {}
        for message in messages:
            if message.action in SECURITY_MAILS:
                mail = mails.compose(
                    cast(ClaimedMessage, message), recipient=self.ada, actor=None, settings=settings
                )
                texts[mail["Subject"]] = mail.get_content()
                self.assertNotRegex(mail.get_content(), "|".join(codes))
        self.assertLessEqual(
            {
                "A passkey was added",
                "You have new recovery codes",
                "A recovery code was used",
                "A passkey was removed",
                "Your passkeys were removed",
            },
            texts.keys(),
        )
        self.assertIn("My phone", texts["A passkey was added"])
        self.assertIn("Codes left: 9.", texts["A recovery code was used"])
