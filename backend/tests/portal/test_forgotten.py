"""A forgotten password: by mail, by an employer, from the command line; each link works once."""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select, update

from expenses.notifications import mails
from expenses.notifications.outbox import Channel, message_table
from expenses.users.models import password_reset_table, session_table
from expenses.users.resets import LIFETIME
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings, usual_settings

NEW = "another horse 10"


class ForgottenTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.http = await self.client()

    async def reset(self, token: str, new: str = NEW, again: str | None = None) -> Any:
        data = {"token": token, "new": new, "again": new if again is None else again}
        return await self.http.post("/reset", data=data)

    async def log_in(self, password: str) -> int:
        browser = await self.client()
        answer = await browser.post("/login", data={"email": self.ada.email, "password": password})
        return answer.status_code

    async def sessions(self) -> int:
        async with self.database.reading() as connection:
            return len((await connection.execute(select(session_table))).all())


class Reset(ForgottenTestCase):
    async def test_a_new_password_is_set_and_every_session_ends(self) -> None:
        browser = await self.browser_of(self.ada)
        token = await self.reset_token(self.ada)
        page = await self.http.get("/reset", params={"token": token})
        self.assertIn(self.ada.email, page.text)
        answer = await self.reset(token)
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/login"))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            ("user.password_reset", self.ada.id, self.ada.id, {"sessions_ended": 1}),
        )
        self.assertEqual(await self.sessions(), 0)
        self.assertEqual((await browser.get("/tickets")).status_code, 303)
        self.assertEqual(await self.log_in(PASSWORD), 401)
        self.assertEqual(await self.log_in(NEW), 303)

    async def test_a_link_works_once_and_the_others_end_with_it(self) -> None:
        first, second = [await self.reset_token(self.ada) for _ in range(2)]
        await self.reset(first)
        for token in (first, second):
            async with self.nothing_changes():
                answer = await self.reset(token, "a third horse 11")
            self.assertEqual(answer.headers["location"], "/forgot")
            page = await self.http.get("/forgot")
            self.assertIn("This link has been used or is too old.", page.text)

    async def test_what_is_no_link_is_refused(self) -> None:
        token = await self.reset_token(self.ada)
        for wrong in ("", "x", token[:-1], token.swapcase(), "ü"):
            async with self.nothing_changes():
                answer = await self.http.get("/reset", params={"token": wrong})
                self.assertEqual(answer.headers["location"], "/forgot")
                answer = await self.reset(wrong)
                self.assertEqual(answer.headers["location"], "/forgot")

    async def test_an_old_link_is_refused(self) -> None:
        token = await self.reset_token(self.ada)
        async with self.database.transaction() as connection:
            await connection.execute(
                update(password_reset_table).values(
                    expires_at=password_reset_table.c.expires_at - LIFETIME
                )
            )
        async with self.nothing_changes():
            answer = await self.reset(token)
        self.assertEqual(answer.headers["location"], "/forgot")

    async def test_a_suspended_user_stays_out(self) -> None:
        token = await self.reset_token(self.ada)
        await self.suspend(self.ada, by=await self.new_employer())
        async with self.nothing_changes():
            answer = await self.reset(token)
        self.assertEqual(answer.headers["location"], "/forgot")

    async def test_a_password_that_will_not_do_is_refused_and_the_link_stays(self) -> None:
        token = await self.reset_token(self.ada)
        for new, again, sentence in (
            ("short", "short", "Use 8 to 200 characters."),
            ("password1234", "password1234", "common"),
            (NEW, "something else 1", "This does not match the new password."),
            ("", "", "Required."),
        ):
            async with self.nothing_changes():
                page = await self.reset(token, new, again)
            self.assertEqual(page.status_code, 422)
            self.assertIn(sentence, page.text)
        self.assertEqual((await self.reset(token)).status_code, 303)


class Ask(ForgottenTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.app.state.settings = make_settings(smtp_url="smtp://localhost")
        self.database.outgoing = {Channel.MAIL: asyncio.Event()}

    async def messages(self) -> list[Any]:
        async with self.database.reading() as connection:
            return list((await connection.execute(select(message_table))).all())

    async def test_a_mail_has_the_link(self) -> None:
        page = await self.http.post("/forgot", data={"email": self.ada.email.upper()})
        self.assertIn("a link is on its way", page.text)
        [message] = await self.messages()
        self.assertEqual((message.user_id, message.channel), (self.ada.id, Channel.MAIL))
        settings = make_settings(public_url="http://localhost")
        mail = mails.compose(message, recipient=self.ada, actor=None, settings=settings)
        text = mail.get_content()
        link = re.search(r"http://localhost/reset\?\S+", text)
        assert link is not None
        self.assertIsNone(mail["List-Unsubscribe"])
        token = parse_qs(urlsplit(link[0]).query)["token"][0]
        self.assertEqual((await self.reset(token)).headers["location"], "/login")
        said = (await self.messages())[-1]
        mail = mails.compose(said, recipient=self.ada, actor=None, settings=settings)
        self.assertEqual(mail["Subject"], "Your password was changed")

    async def test_the_answer_is_the_same_for_everybody(self) -> None:
        ben = await self.new_employee("Ben")
        await self.suspend(ben, by=await self.new_employer())
        pages = [
            (await self.http.post("/forgot", data={"email": email})).text
            for email in (self.ada.email, ben.email, "nobody@contoso.example")
        ]
        self.assertEqual(len(set(pages)), 1)
        self.assertEqual(len(await self.messages()), 1)

    async def test_too_many_are_refused(self) -> None:
        self.app.state.settings = make_settings(smtp_url="smtp://localhost", login_attempts=2)
        for email in ("nobody@contoso.example", self.ada.email):
            for _ in range(2):
                answer = await self.http.post("/forgot", data={"email": email})
                self.assertEqual(answer.status_code, 200)
            answer = await self.http.post("/forgot", data={"email": email})
            self.assertEqual(answer.status_code, 429)
            self.assertIn("retry-after", answer.headers)
        self.assertEqual(len(await self.messages()), 2)

    async def test_what_is_no_email_is_said(self) -> None:
        page = await self.http.post("/forgot", data={"email": "ada"})
        self.assertEqual(page.status_code, 422)
        self.assertEqual(await self.messages(), [])

    async def test_without_mails_the_page_says_whom_to_ask(self) -> None:
        self.app.state.settings = usual_settings()
        page = await self.http.get("/forgot")
        self.assertIn("ask an employer", page.text)
        self.assertNotIn("<form method", page.text)
        self.assertIn('href="/forgot"', (await self.http.get("/login")).text)


class ByAnEmployer(ForgottenTestCase):
    async def test_the_link_is_shown_once_and_works(self) -> None:
        boss = await self.new_employer()
        browser = await self.browser_of(boss)
        page = await browser.post(f"/admin/employee/{self.ada.id}/reset-link")
        link = re.search(r'value="[^"]*/reset\?token=([^"]+)"', page.text)
        assert link is not None
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id),
            ("user.reset_link_made", boss.id, self.ada.id),
        )
        self.assertNotIn(link[1], str(event.details))
        self.assertEqual((await self.reset(link[1])).headers["location"], "/login")

    async def test_not_for_another_employer(self) -> None:
        boss, other = await self.new_employer(), await self.new_employer()
        browser = await self.browser_of(boss)
        async with self.nothing_changes():
            page = await browser.post(f"/admin/employee/{other.id}/reset-link")
        self.assertEqual(page.status_code, 404)


class AtOnce(CommittingTestCase):
    async def test_of_two_the_second_finds_the_link_used(self) -> None:
        ada = await self.new_employee()
        token = await self.reset_token(ada)
        http = await self.client()
        answers = await asyncio.gather(
            *(
                http.post("/reset", data={"token": token, "new": new, "again": new})
                for new in (NEW, "a third horse 11")
            )
        )
        self.assertEqual(
            sorted(answer.headers["location"] for answer in answers), ["/forgot", "/login"]
        )
        self.assertEqual(len(await self.events("user.password_reset")), 1)
