"""Switching mails off and on: by the link in each of them, on the account's page, by the API."""

import re
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from expenses.notifications.links import switch_off_link
from tests.harness import AppTestCase, make_settings
from tests.notifications.test_delivery import MailTestCase

OFF, ON = "user.mails_switched_off", "user.mails_switched_on"
# What RFC 8058 has programs for mail send: no cookie, and not from a page.
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class Link(MailTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.app = self.start_app(self.settings.model_copy(update={"allowed_hosts": ["*"]}))
        self.stranger = await self.client()

    async def link_in_a_mail(self) -> str:
        await self.approve(self.ticket_id, by=self.dana)
        await self.send_mails()
        [mail] = self.mail_box.mails
        parts = urlsplit(str(mail["List-Unsubscribe"]).strip("<>"))
        return f"{parts.path}?{parts.query}"

    async def gets_mails(self) -> bool:
        browser = await self.browser_of(self.ada)
        return "They are sent to" in (await browser.get("/account")).text

    async def test_looking_at_it_changes_nothing(self) -> None:
        link = await self.link_in_a_mail()
        async with self.nothing_changes():
            page = await self.stranger.get(link)
            await self.stranger.head(link)
        self.assertEqual(page.status_code, 200)
        self.assertIn('<form method="post">', page.text)
        self.assertTrue(await self.gets_mails())

    async def test_its_button_switches_them_off(self) -> None:
        link = await self.link_in_a_mail()
        page = await self.stranger.post(link, headers={"Origin": "http://localhost"})
        self.assertIn("They are off.", page.text)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id), (OFF, self.ada.id, self.ada.id)
        )
        self.assertFalse(await self.gets_mails())
        await self.deny(await self.new_ticket(self.ada), by=self.dana)
        await self.send_mails()
        self.assertEqual(len(self.mail_box.mails), 1)

    async def test_a_mail_program_does_it_at_one_click(self) -> None:
        answer = await self.stranger.post(await self.link_in_a_mail(), data=ONE_CLICK)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual([event.action for event in await self.events(OFF)], [OFF])
        self.assertFalse(await self.gets_mails())

    async def test_twice_is_as_once(self) -> None:
        link = await self.link_in_a_mail()
        for _ in range(2):
            self.assertEqual((await self.stranger.post(link, data=ONE_CLICK)).status_code, 200)
        self.assertEqual(len(await self.events(OFF)), 1)

    async def test_a_link_that_was_not_signed_here_does_nothing(self) -> None:
        link = await self.link_in_a_mail()
        forged = switch_off_link(
            self.ada.id,
            make_settings(secret_key=SecretStr("the secret key of another installation")),
        )
        for wrong in (
            link[:-1],
            link + "x",
            link.replace("token=", "token=1"),
            link.partition("?")[0],
            f"/mails/off?{urlsplit(forged).query}",
            "/mails/off?token=%00",
            "/mails/off?token=" + "x" * 5000,
        ):
            with self.subTest(wrong[:80]):
                async with self.nothing_changes():
                    answers = [await self.stranger.get(wrong), await self.stranger.post(wrong)]
                for answer in answers:
                    self.assertEqual(answer.status_code, 404)
                    self.assertIn("This link is incomplete.", answer.text)
                    self.assertIn('href="/', answer.text)

    async def test_the_session_cookies_signature_opens_no_link(self) -> None:
        """Both are signed with the same key, and for one thing each."""
        browser = await self.browser_of(self.ada)
        [cookie] = browser.cookies.values()
        async with self.nothing_changes():
            answer = await self.stranger.post("/mails/off", params={"token": cookie})
        self.assertEqual(answer.status_code, 404)

    async def test_a_suspended_employee_gets_none_anyway(self) -> None:
        link = await self.link_in_a_mail()
        await self.suspend(self.ada, by=self.dana)
        async with self.nothing_changes():
            answer = await self.stranger.post(link, data=ONE_CLICK)
        self.assertEqual(answer.status_code, 403)

    async def test_another_site_cannot_have_the_button_pressed(self) -> None:
        link = await self.link_in_a_mail()
        async with self.nothing_changes():
            answer = await self.stranger.post(link, headers={"Sec-Fetch-Site": "cross-site"})
        self.assertEqual(answer.status_code, 403)

    async def test_it_speaks_the_language_of_the_browser(self) -> None:
        link = await self.link_in_a_mail()
        page = await self.stranger.get(link, headers={"Accept-Language": "zh-CN"})
        self.assertIn("关闭邮件", page.text)


class OnThePage(AppTestCase):
    def with_mails(self) -> None:
        self.app = self.start_app(make_settings(smtp_url="smtp://127.0.0.1:1"))

    async def test_they_are_switched_off_and_on_again(self) -> None:
        self.with_mails()
        for user in (await self.new_employee(), await self.new_employer()):
            browser = await self.browser_of(user)
            self.assertIn(f"They are sent to {user.email}.", await self.page(browser))
            for value, action, sentence in (
                ("off", OFF, "You have turned them off."),
                ("on", ON, f"They are sent to {user.email}."),
            ):
                button = re.search(rf'name="mails" value="{value}"', await self.page(browser))
                self.assertIsNotNone(button)
                answer = await browser.post("/account/mails", data={"mails": value})
                self.assertEqual(answer.headers["location"], "/account")
                self.assertIn(sentence, await self.page(browser))
                event = await self.last_event()
                self.assertEqual((event.action, event.user_id), (action, user.id))

    async def test_nothing_else_is_taken(self) -> None:
        self.with_mails()
        browser = await self.browser_of(await self.new_employee())
        for form in ({}, {"mails": ""}, {"mails": "maybe"}):
            async with self.nothing_changes():
                page = await browser.post("/account/mails", data=form)
            self.assertEqual(page.status_code, 422)

    async def test_what_is_so_already_is_no_event(self) -> None:
        self.with_mails()
        browser = await self.browser_of(await self.new_employee())
        async with self.nothing_changes():
            await browser.post("/account/mails", data={"mails": "on"})

    async def test_nothing_is_said_of_mails_where_none_are_sent(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        self.assertNotIn("/account/mails", await self.page(browser))

    async def page(self, browser: httpx.AsyncClient) -> str:
        return (await browser.get("/account")).text


class InTheApi(AppTestCase):
    async def test_they_are_switched_off_and_on_again(self) -> None:
        user = await self.new_employee()
        program = await self.program_of(user)
        self.assertIs((await program.get("/api/me")).json()["mails"], True)
        for on, action in ((False, OFF), (True, ON)):
            answer = await program.put("/api/me/mails", json={"on": on})
            self.assertIs(answer.json()["mails"], on)
            self.assertIs((await program.get("/api/me")).json()["mails"], on)
            event = await self.last_event()
            self.assertEqual((event.action, event.actor_id), (action, user.id))

    async def test_only_yes_and_no_are_taken(self) -> None:
        program = await self.program_of(await self.new_employee())
        bodies: list[object] = [{}, {"on": "false"}, {"on": 0}, {"on": None}, {"off": True}, []]
        for body in bodies:
            async with self.nothing_changes():
                answer = await program.put("/api/me/mails", json=body)
            self.assert_problem(answer, 422, "invalid-input")
