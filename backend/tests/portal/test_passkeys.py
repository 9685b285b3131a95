"""The page with one's passkeys: adding and removing them, and new recovery codes."""

import json
from datetime import timedelta

import httpx
from sqlalchemy import update

from expenses.users.second_factor.models import (
    challenge_table,
    passkey_table,
    recovery_code_table,
)
from expenses.users.second_factor.passkeys import MAX_PASSKEYS
from tests.authenticator import Authenticator
from tests.harness import PASSWORD
from tests.portal.passkey_harness import CODE, PAGE, PasskeyTestCase


class Add(PasskeyTestCase):
    async def test_the_first_one_shows_recovery_codes_once(self) -> None:
        browser = await self.browser_of(self.ada)
        page = await self.add(browser, self.device)
        codes = CODE.findall(page.text)
        self.assertEqual((page.status_code, len(set(codes))), (200, 10))
        self.assertEqual(page.headers["cache-control"], "no-store")
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            ("user.passkey_added", self.ada.id, self.ada.id, {"passkey": "My phone"}),
        )
        [stored] = await self.rows(passkey_table)
        self.assertEqual((stored.user_id, stored.name), (self.ada.id, "My phone"))
        kept = await self.rows(recovery_code_table)
        self.assertEqual(len(kept), 10)
        for code in codes:
            self.assertNotIn(code, str(kept))
        page = await browser.get(PAGE)
        self.assertIn("My phone", page.text)
        self.assertIn("10 recovery codes are left.", page.text)
        self.assertEqual(CODE.findall(page.text), [])

    async def test_another_one_leaves_the_codes_as_they_are(self) -> None:
        await self.give_passkey()
        codes = await self.rows(recovery_code_table)
        browser = await self.browser_of(self.ada)
        answer = await self.add(browser, Authenticator(), "A key")
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, PAGE))
        self.assertEqual(await self.rows(recovery_code_table), codes)
        self.assertIn("You have 2 passkeys.", (await browser.get("/account")).text)

    async def test_the_question_takes_the_password_and_a_name(self) -> None:
        browser = await self.browser_of(self.ada)
        for name, password, field, sentence in (
            ("A key", "wrong", "password", "The password is wrong."),
            ("A key", "", "password", "Required."),
            ("", PASSWORD, "name", "Required."),
            ("x" * 81, PASSWORD, "name", "Use at most 80 characters."),
        ):
            async with self.nothing_changes():
                answer = await browser.post(
                    f"{PAGE}/options", data={"name": name, "password": password}
                )
            problem = self.assert_problem(answer, 422, "invalid-input")
            self.assertEqual(problem["errors"], [{"field": field, "message": sentence}])
        self.assertEqual(await self.rows(challenge_table), [])

    async def test_a_challenge_works_once_for_a_while_and_for_whom_it_was_asked(self) -> None:
        browser, other = await self.browser_of(self.ada), await self.new_employee()
        for values in (
            {"user_id": other.id},
            {"purpose": "second-step"},
            {"expires_at": challenge_table.c.expires_at - timedelta(minutes=5)},
        ):
            question = await self.question_for_new(browser)
            async with self.database.transaction() as connection:
                await connection.execute(update(challenge_table).values(**values))
            await self._assert_refused(browser, self.device.create(question))
        await self.add(browser, self.device)
        question = await self.question_for_new(browser)
        lies = self.device.create(question | {"challenge": "AAAA"})
        await self._assert_refused(browser, lies)
        # Used up by what was wrong.
        await self._assert_refused(browser, Authenticator().create(question))

    async def test_only_for_this_site(self) -> None:
        browser = await self.browser_of(self.ada)
        for device, host in (
            (Authenticator(origin="https://evil.example"), "localhost"),
            (Authenticator(), "evil.example"),
        ):
            question = await self.question_for_new(browser) | {"rp": {"id": host}}
            await self._assert_refused(browser, device.create(question))

    async def test_what_is_no_answer_is_refused(self) -> None:
        browser = await self.browser_of(self.ada)
        good = json.loads(self.device.create(await self.question_for_new(browser)))
        nonsense = ["", "[]", "{}", "[" * 5000]
        for part in ("clientDataJSON", "attestationObject"):
            for value in ("", "!", 1, "oWFh", good["response"][part][:-30]):
                changed = good["response"] | {part: value}
                nonsense.append(json.dumps(good | {"response": changed}))
        for credential in nonsense:
            await self.question_for_new(browser)
            await self._assert_refused(browser, credential)

    async def test_the_public_address_is_the_site_where_it_is_set(self) -> None:
        self.require("optional", public_url="https://expenses.contoso.example")
        browser = await self.browser_of(self.ada)
        question = await self.question_for_new(browser)
        self.assertEqual(question["rp"]["id"], "expenses.contoso.example")
        device = Authenticator(origin="https://expenses.contoso.example")
        self.assertEqual((await self.add(browser, device)).status_code, 200)
        await self._assert_refused(
            browser, Authenticator().create(await self.question_for_new(browser))
        )

    async def test_a_passkey_belongs_to_one_user(self) -> None:
        await self.give_passkey()
        browser = await self.browser_of(await self.new_employee())
        await self._assert_refused(
            browser, self.device.create(await self.question_for_new(browser))
        )

    async def test_nobody_has_more_than_one_can_manage(self) -> None:
        await self.give_passkey()
        async with self.database.transaction() as connection:
            [stored] = await self.rows(passkey_table)
            values = stored._asdict() | {"sign_count": 0}
            await connection.execute(
                passkey_table.insert(),
                [
                    values | {"id": stored.id + number, "credential_id": bytes([number])}
                    for number in range(1, MAX_PASSKEYS)
                ],
            )
        browser = await self.browser_of(self.ada)
        answer = await browser.post(f"{PAGE}/options", data={"name": "x", "password": PASSWORD})
        self.assert_problem(answer, 422, "invalid-input")

    async def _assert_refused(self, browser: httpx.AsyncClient, credential: str) -> None:
        before = await self.rows(passkey_table)
        async with self.nothing_changes():
            answer = await browser.post(PAGE, data={"name": "x", "credential": credential})
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, PAGE))
        self.assertIn("not accepted", (await browser.get(PAGE)).text)
        self.assertEqual(await self.rows(passkey_table), before)


class Remove(PasskeyTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        await self.give_passkey()
        self.browser = await self.browser_of(self.ada)
        [self.passkey] = await self.rows(passkey_table)
        self.address = f"{PAGE}/{self.passkey.id}/remove"

    async def test_the_last_one_takes_the_codes_with_it(self) -> None:
        self.assertIn("My phone", (await self.browser.get(self.address)).text)
        answer = await self.browser.post(self.address, data={"password": PASSWORD})
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, PAGE))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.details), ("user.passkey_removed", {"passkey": "My phone"})
        )
        self.assertEqual(await self.rows(passkey_table), [])
        self.assertEqual(await self.rows(recovery_code_table), [])
        self.assertEqual(await self.log_in(), "/tickets")

    async def test_another_one_leaves_the_codes(self) -> None:
        await self.add(self.browser, Authenticator(), "A key")
        await self.browser.post(self.address, data={"password": PASSWORD})
        self.assertEqual(len(await self.rows(passkey_table)), 1)
        self.assertEqual(len(await self.rows(recovery_code_table)), 10)

    async def test_it_asks_for_the_password(self) -> None:
        for password in ("wrong", ""):
            async with self.nothing_changes():
                page = await self.browser.post(self.address, data={"password": password})
            self.assertEqual(page.status_code, 422)
        self.assertEqual(len(await self.rows(passkey_table)), 1)

    async def test_not_somebody_elses(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        async with self.nothing_changes():
            self.assertEqual((await browser.get(self.address)).status_code, 404)
            page = await browser.post(self.address, data={"password": PASSWORD})
        self.assertEqual(page.status_code, 404)
        self.assertEqual(len(await self.rows(passkey_table)), 1)

    async def test_the_last_one_stays_where_one_is_asked_for(self) -> None:
        self.require("everybody")
        async with self.nothing_changes():
            page = await self.browser.post(self.address, data={"password": PASSWORD})
        self.assertEqual(page.status_code, 409)
        self.assertIn("Add another one first.", page.text)
        self.assertEqual(len(await self.rows(passkey_table)), 1)
        await self.add(self.browser, Authenticator())
        answer = await self.browser.post(self.address, data={"password": PASSWORD})
        self.assertEqual(answer.status_code, 303)

    async def test_an_employee_may_where_employers_alone_are_asked(self) -> None:
        self.require("employers")
        answer = await self.browser.post(self.address, data={"password": PASSWORD})
        self.assertEqual(answer.status_code, 303)


class NewCodes(PasskeyTestCase):
    async def test_they_replace_the_old_ones(self) -> None:
        old = await self.give_passkey()
        browser = await self.browser_of(self.ada)
        page = await browser.post(f"{PAGE}/recovery-codes", data={"code_password": PASSWORD})
        codes = CODE.findall(page.text)
        self.assertEqual(len(codes), 10)
        self.assertFalse({*codes} & {*old})
        self.assertEqual(len(await self.rows(recovery_code_table)), 10)
        event = await self.last_event()
        self.assertEqual((event.action, event.details), ("user.recovery_codes_made", {}))

    async def test_they_take_the_password_and_a_passkey(self) -> None:
        browser = await self.browser_of(self.ada)
        for password, status in (("wrong", 422), (PASSWORD, 404)):
            async with self.nothing_changes():
                page = await browser.post(
                    f"{PAGE}/recovery-codes", data={"code_password": password}
                )
            self.assertEqual(page.status_code, status)
        self.assertEqual(await self.rows(recovery_code_table), [])
        await self.give_passkey()
        page = await browser.post(f"{PAGE}/recovery-codes", data={"code_password": "wrong"})
        self.assertIn("The password is wrong.", page.text)
        self.assertEqual(CODE.findall(page.text), [])
