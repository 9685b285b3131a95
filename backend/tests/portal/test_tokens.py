"""Tokens for programs on the account page: made, shown once, and revoked."""

import re

import httpx

from expenses.users.queries import UserView
from tests.harness import PASSWORD, AppTestCase
from tests.notifications.test_delivery import SITE, MailTestCase
from tests.portal.test_account import problems

PAGE = "/account/tokens"
FORM = {"name": "Nightly <b>", "scopes": ["read"], "days": "90", "password": PASSWORD}
NEW_PASSWORD = "another horse 10"


def token_in(page: httpx.Response) -> str:
    [token] = re.findall(r'value="(exp_\w+)"', page.text)
    return str(token)


class TokenPages(AppTestCase):
    ada: UserView

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.browser = await self.browser_of(self.ada)

    async def works(self, token: str) -> bool:
        program = await self.client(Authorization=f"Bearer {token}")
        return (await program.get("/api/me")).status_code == 200

    async def make(self) -> str:
        return token_in(await self.browser.post(PAGE, data=FORM))

    async def test_one_is_made_shown_once_and_revoked(self) -> None:
        page = await self.browser.post(PAGE, data=FORM)
        self.assertEqual((page.status_code, page.headers["cache-control"]), (200, "no-store"))
        token = token_in(page)
        self.assertTrue(await self.works(token))
        self.assertEqual((await self.last_event()).action, "token.created")
        page = await self.browser.get("/account")
        self.assertNotIn("exp_", page.text)
        self.assertIn("Nightly &lt;b&gt;", page.text)
        [address] = re.findall(r'action="(/account/tokens/\d+/revoke)"', page.text)
        answer = await self.browser.post(address)
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/account"))
        self.assertEqual((await self.last_event()).action, "token.revoked")
        page = await self.browser.get("/account")
        self.assertIn("The token Nightly &lt;b&gt; is revoked.", page.text)
        self.assertNotIn(address, page.text)
        self.assertFalse(await self.works(token))

    async def test_each_role_is_offered_what_it_may_do(self) -> None:
        employer = await self.browser_of(await self.new_employer())
        for browser, scopes in (
            (self.browser, ["read", "tickets:write"]),
            (employer, ["read", "decide", "payments"]),
        ):
            page = await browser.get(PAGE)
            self.assertEqual(re.findall(r'name="scopes" value="([\w:]+)"', page.text), scopes)
            self.assertEqual(page.text.count("checked"), 1)
            self.assertIn('value="90"', page.text)

    async def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(self) -> None:
        for change, field in (
            ({"name": ""}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["decide"]}, "scopes"),
            ({"days": "366"}, "days"),
            ({"days": "x"}, "days"),
            ({"password": "wrong wrong"}, "password"),
        ):
            with self.subTest(change=change):
                async with self.nothing_changes():
                    page = await self.browser.post(PAGE, data=FORM | change)
                self.assertEqual((page.status_code, set(problems(page))), (422, {field}))
                self.assertNotIn("exp_", page.text)
                self.assertNotIn(PASSWORD, page.text)
                if field != "name":
                    self.assertIn('value="Nightly &lt;b&gt;"', page.text)

    async def test_a_new_password_ends_them_where_the_box_is_ticked(self) -> None:
        token = await self.make()
        change = {"old": PASSWORD, "new": NEW_PASSWORD, "again": NEW_PASSWORD}
        await self.browser.post("/account/password", data=change)
        self.assertTrue(await self.works(token))
        change = {"old": NEW_PASSWORD, "new": PASSWORD, "again": PASSWORD, "tokens": "revoke"}
        await self.browser.post("/account/password", data=change)
        self.assertEqual((await self.last_event()).details["tokens_revoked"], 1)
        self.assertFalse(await self.works(token))

    async def test_a_link_for_a_new_password_ends_them_where_the_box_is_ticked(self) -> None:
        token = await self.make()
        for box in ({}, {"tokens": "revoke"}):
            form = {"new": NEW_PASSWORD, "again": NEW_PASSWORD} | box
            link = await self.reset_token(self.ada)
            self.assertIn("Also revoke my tokens", (await self.reset_page(link)).text)
            await self.browser.post("/reset", data=form | {"token": link})
            event = await self.last_event()
            self.assertEqual(event.action, "user.password_reset")
            self.assertEqual(event.details.get("tokens_revoked"), 1 if box else None)
            self.assertEqual(await self.works(token), not box)

    async def reset_page(self, link: str) -> httpx.Response:
        return await self.browser.get("/reset", params={"token": link})

    async def test_employers_see_in_the_history_that_it_was_made(self) -> None:
        await self.make()
        employer = await self.browser_of(await self.new_employer())
        page = (await employer.get("/admin/history")).text
        self.assertIn("made a token for a program", page)
        self.assertIn("<code>read</code>", page)
        self.assertNotIn("Nightly", page)


class Mails(MailTestCase):
    async def test_the_owner_is_told(self) -> None:
        browser = await self.browser_of(self.ada)
        await browser.post(PAGE, data=FORM)
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Subject"], "A token for a program was made")
        self.assertIn("“Nightly <b>”", content)
        self.assertIn(f"\n{SITE}/account\n", content)
        self.assertNotIn("exp_", content)
