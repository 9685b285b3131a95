"""Another e-mail: the password, a link to the new address, a note to the old one."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import select, update

from expenses.users.models import User, email_change_table
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings
from tests.notifications.test_delivery import SITE, MailTestCase
from tests.receivers import words_of

NEW = "ada.new@contoso.example"


class EmailChangeTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada L.")
        self.browser = await self.browser_of(self.ada)

    async def ask(self, email: str = NEW, password: str = PASSWORD) -> httpx.Response:
        return await self.browser.post(
            "/account/email", data={"email": email, "password": password}
        )

    async def follow(self, token: str) -> httpx.Response:
        return await self.browser.post("/account/email/confirm", data={"token": token})

    async def email(self) -> str:
        async with self.database.reading() as connection:
            query = select(User.email).where(User.id == self.ada.id)
            return (await connection.execute(query)).scalar_one()

    async def log_in(self, email: str) -> int:
        browser = await self.client()
        return (
            await browser.post("/api/session", json={"email": email, "password": PASSWORD})
        ).status_code


class WithoutMails(EmailChangeTestCase):
    async def test_it_is_changed_at_once(self) -> None:
        page = await self.browser.get("/account/email")
        self.assertIn("so the new address is not checked", page.text)
        answer = await self.ask()
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/account"))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "user.email_changed",
                self.ada.id,
                self.ada.id,
                {"before": {"email": self.ada.email}, "after": {"email": NEW}},
            ),
        )
        page = await self.browser.get("/account")
        self.assertIn(f"You log in with {NEW} from now on.", page.text)
        self.assertEqual(await self.log_in(NEW.upper()), 200)
        self.assertEqual(await self.log_in(self.ada.email), 404)

    async def test_what_is_wrong_is_said_at_its_field(self) -> None:
        ben = await self.new_employee("Ben")
        for email, password, status, sentence in (
            (NEW, "wrong wrong", 422, "The password is wrong."),
            ("ada", PASSWORD, 422, "e-mail"),
            (ben.email.upper(), PASSWORD, 409, "Another account uses this e-mail."),
        ):
            with self.subTest(email=email):
                async with self.nothing_changes():
                    page = await self.ask(email, password)
                self.assertEqual(page.status_code, status)
                self.assertIn(sentence, page.text)
                self.assertIn(f'value="{email}"', page.text)
                self.assertNotIn(password, page.text)

    async def test_the_same_one_again_changes_nothing(self) -> None:
        async with self.nothing_changes():
            self.assertEqual((await self.ask(self.ada.email)).headers["location"], "/account")

    async def test_guesses_at_the_password_are_limited(self) -> None:
        self.app.state.settings = make_settings(login_attempts=2)
        for email in (NEW, "b@contoso.example"):
            await self.ask(email, "wrong wrong")
        async with self.nothing_changes():
            answer = await self.ask("c@contoso.example")
        self.assertEqual(answer.status_code, 429)
        self.assertIn("retry-after", answer.headers)

    async def test_through_the_api(self) -> None:
        api = await self.program_of(self.ada)
        async with self.nothing_changes():
            body = {"email": NEW, "password": "wrong wrong"}
            self.assert_problem(await api.post("/api/me/email", json=body), 422, "invalid-input")
        body = {"email": (await self.new_employee()).email, "password": PASSWORD}
        async with self.nothing_changes():
            self.assert_problem(await api.post("/api/me/email", json=body), 409, "email-taken")
        answer = await api.post("/api/me/email", json={"email": NEW, "password": PASSWORD})
        self.assertEqual((answer.status_code, answer.json()), (200, {"changed": True}))
        self.assertEqual((await api.get("/api/me")).json()["email"], NEW)
        self.assertEqual((await self.last_event()).action, "user.email_changed")


class Confirm(EmailChangeTestCase):
    async def test_a_link_asks_and_then_changes_once(self) -> None:
        token = await self.email_token(self.ada, NEW)
        async with self.nothing_changes():
            page = await self.browser.get("/account/email/confirm", params={"token": token})
        self.assertIn(NEW, page.text)
        reset = await self.reset_token(self.ada)
        answer = await self.follow(token)
        self.assertEqual(answer.headers["location"], "/account")
        self.assertEqual(await self.email(), NEW)
        self.assertEqual((await self.last_event()).action, "user.email_changed")
        async with self.nothing_changes():
            self.assertEqual((await self.follow(token)).headers["location"], "/account/email")
            # It is in the old mailbox.
            answer = await self.browser.get("/reset", params={"token": reset})
            self.assertEqual(answer.headers["location"], "/forgot")

    async def test_only_by_who_asked(self) -> None:
        token = await self.email_token(self.ada, NEW)
        stranger = await self.client()
        path = f"/account/email/confirm?token={token}"
        answer = await stranger.get(path)
        self.assertEqual(parse_qs(urlsplit(answer.headers["location"]).query)["next"], [path])
        other = await self.browser_of(await self.new_employee())
        async with self.nothing_changes():
            for browser in (stranger, other):
                answer = await browser.post("/account/email/confirm", data={"token": token})
                self.assertEqual(answer.status_code, 303)
            answer = await other.get("/account/email/confirm", params={"token": token})
            self.assertEqual(answer.headers["location"], "/account/email")
        await self.follow(token)
        self.assertEqual(await self.email(), NEW)

    async def test_what_is_no_link_or_an_old_one_is_refused(self) -> None:
        token = await self.email_token(self.ada, NEW)
        for wrong in ("", "x", token[:-1], await self.reset_token(self.ada)):
            async with self.nothing_changes():
                self.assertEqual((await self.follow(wrong)).headers["location"], "/account/email")
        async with self.database.transaction() as connection:
            await connection.execute(
                update(email_change_table).values(
                    expires_at=email_change_table.c.expires_at - timedelta(minutes=31)
                )
            )
        async with self.nothing_changes():
            self.assertEqual((await self.follow(token)).headers["location"], "/account/email")
        page = await self.browser.get("/account/email")
        self.assertIn("This link has been used or is too old.", page.text)

    async def test_not_where_somebody_has_registered_with_it_meanwhile(self) -> None:
        ben = await self.new_employee()
        token = await self.email_token(self.ada, ben.email)
        async with self.nothing_changes():
            page = await self.follow(token)
        self.assertEqual(page.status_code, 409)
        self.assertIn("Another account uses this e-mail.", page.text)

    async def test_a_new_password_makes_links_useless(self) -> None:
        for path, data in (
            ("/account/password", {"old": PASSWORD}),
            ("/reset", {"token": await self.reset_token(self.ada)}),
        ):
            token = await self.email_token(self.ada, NEW)
            new = {"new": "a rarer horse 8", "again": "a rarer horse 8"}
            self.assertEqual((await self.browser.post(path, data=data | new)).status_code, 303)
            self.browser = await self.browser_of(self.ada)
            async with self.nothing_changes():
                self.assertEqual((await self.follow(token)).headers["location"], "/account/email")

    async def test_a_suspension_makes_all_links_useless(self) -> None:
        boss = await self.new_employer()
        console = await self.browser_of(boss)
        change, reset = await self.email_token(self.ada, NEW), await self.reset_token(self.ada)
        await self.suspend(self.ada, by=boss)
        await console.post(f"/admin/employee/{self.ada.id}/reactivate")
        self.browser = await self.browser_of(self.ada)
        async with self.nothing_changes():
            self.assertEqual((await self.follow(change)).headers["location"], "/account/email")
            new = {"token": reset, "new": "a rarer horse 8", "again": "a rarer horse 8"}
            answer = await self.browser.post("/reset", data=new)
            self.assertEqual(answer.headers["location"], "/forgot")


class WithMails(MailTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.app.state.settings = self.settings
        await self.change(gets_mails=False)
        self.browser = await self.browser_of(self.ada)

    async def ask(self, email: str) -> httpx.Response:
        data = {"email": email, "password": PASSWORD}
        answer = await self.browser.post("/account/email", data=data)
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/account"))
        return await self.browser.get("/account")

    async def email(self) -> str:
        async with self.database.reading() as connection:
            query = select(User.email).where(User.id == self.ada.id)
            return (await connection.execute(query)).scalar_one()

    async def mails(self) -> list[tuple[str, str, str]]:
        """Recipient, subject and words of what was sent since the last time."""
        await self.send_mails()
        sent, self.mail_box.mails = self.mail_box.mails, []
        return [
            (mail["To"].addresses[0].addr_spec, str(mail["Subject"]), words_of(mail))
            for mail in sent
        ]

    async def test_the_new_address_gets_the_link_and_the_old_one_notes(self) -> None:
        page = await self.ask(NEW)
        self.assertIn(f"A link is on its way to {NEW}.", page.text)
        event = await self.last_event()
        self.assertEqual((event.action, event.details), ("user.email_change_requested", {}))
        self.assertEqual(await self.email(), self.ada.email)
        (to, subject, words), note = await self.mails()
        self.assertEqual((to, subject), (NEW, "Confirm your new e-mail"))
        self.assertEqual(note[:2], (self.ada.email, "Somebody asked to change your e-mail"))
        self.assertIn(NEW, note[2])
        self.assertNotIn("token=", note[2])

        link = re.search(rf"{SITE}/account/email/confirm\?token=(\S+)", words)
        assert link is not None
        answer = await self.browser.post("/account/email/confirm", data={"token": link[1]})
        self.assertEqual(answer.headers["location"], "/account")
        self.assertEqual(await self.email(), NEW)
        [note] = await self.mails()
        self.assertEqual(note[:2], (self.ada.email, "Your e-mail was changed"))
        self.assertIn(NEW, note[2])

    async def test_the_answer_is_the_same_for_a_taken_address_which_is_told(self) -> None:
        ben = await self.new_employee("Ben")
        page = await self.ask(ben.email)
        self.assertIn(f"A link is on its way to {ben.email}.", page.text)
        told, note = await self.mails()
        self.assertEqual(told[:2], (ben.email, "You have an account with this e-mail"))
        self.assertNotIn("token=", told[2])
        self.assertNotIn("Ada", told[2])
        self.assertEqual(note[0], self.ada.email)
        with self.counted_statements() as taken:
            await self.ask(ben.email)
        with self.counted_statements() as free:
            await self.ask(NEW)
        self.assertEqual([one.sql for one in taken], [one.sql for one in free])

    async def test_a_late_note_still_goes_to_the_old_address(self) -> None:
        await self.ask(NEW)
        token = await self.email_token(self.ada, NEW)
        await self.browser.post("/account/email/confirm", data={"token": token})
        self.assertEqual(
            [mail[0] for mail in await self.mails()], [NEW, self.ada.email, self.ada.email]
        )

    async def test_too_many_are_refused(self) -> None:
        self.app.state.settings = self.settings.model_copy(update={"login_attempts": 2})
        for number in range(2):
            await self.ask(f"ada{number}@contoso.example")
        async with self.nothing_changes():
            data = {"email": NEW, "password": PASSWORD}
            answer = await self.browser.post("/account/email", data=data)
        self.assertEqual(answer.status_code, 429)
        self.assertEqual(len(await self.messages()), 4)

    async def test_through_the_api(self) -> None:
        api = await self.program_of(self.ada)
        answer = await api.post("/api/me/email", json={"email": NEW, "password": PASSWORD})
        self.assertEqual((answer.status_code, answer.json()), (200, {"changed": False}))
        self.assertEqual([mail[0] for mail in await self.mails()], [NEW, self.ada.email])
        self.assertEqual(await self.email(), self.ada.email)

    async def test_it_stays_in_the_domains_that_may_register(self) -> None:
        domains = {"registration": "domains", "registration_domains": ["contoso.example"]}
        self.app.state.settings = self.settings.model_copy(update=domains)
        data = {"email": "ada@elsewhere.example", "password": PASSWORD}
        async with self.nothing_changes():
            page = await self.browser.post("/account/email", data=data)
        self.assertEqual(page.status_code, 422)
        self.assertIn("Use an e-mail of your company.", page.text)
        self.assertEqual(await self.messages(), [])
        await self.ask(NEW)

    async def test_in_their_language(self) -> None:
        await self.change(language="zh_Hans_CN")
        await self.ask(NEW)
        self.assertEqual(
            [mail[1] for mail in await self.mails()],
            ["确认您的新电子邮箱", "有人申请更改您的电子邮箱"],
        )


class AtOnce(CommittingTestCase):
    async def test_of_two_the_second_finds_the_link_used(self) -> None:
        ada = await self.new_employee()
        token = await self.email_token(ada, NEW)
        browser = await self.browser_of(ada)
        answers = await asyncio.gather(
            *(browser.post("/account/email/confirm", data={"token": token}) for _ in range(2))
        )
        self.assertEqual(
            sorted(answer.headers["location"] for answer in answers),
            ["/account", "/account/email"],
        )
        self.assertEqual(len(await self.events("user.email_changed")), 1)
        async with self.database.reading() as connection:
            left = (await connection.execute(select(email_change_table))).all()
        self.assertEqual(left, [])
