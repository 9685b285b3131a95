"""Who may register: anybody, whoever reads the e-mails of certain domains, or who is invited."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import func, select, update

from expenses.notifications import mails
from expenses.notifications.outbox import Channel, message_table
from expenses.settings import Settings
from expenses.users.confirmations import delete_expired
from expenses.users.models import confirmation_table, pending_registration_table
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings, registration

EMAIL = "ada@contoso.example"
GONE = "This link has been used or is too old."
SMTP = "smtp://localhost"


def domains(**more: Any) -> Settings:
    allowed = ["contoso.example", "bücher.example"]
    return make_settings(
        registration="domains", registration_domains=allowed, smtp_url=SMTP, **more
    )


class Invited(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.app.state.settings = make_settings(registration="invited")
        self.http = await self.client()

    async def test_without_an_invitation_nobody_registers(self) -> None:
        self.assertIn("Ask an employer for an invitation", (await self.http.get("/login")).text)
        async with self.nothing_changes():
            page = await self.http.post("/login", data={"email": EMAIL, "password": PASSWORD})
            self.assertEqual(page.status_code, 403)
            self.assertIn("only people with an invitation can register", page.text)
            self.assertIn(f'value="{EMAIL}"', page.text)
            answer = await self.http.post("/api/users", json=registration())
            self.assert_problem(answer, 403, "registration-closed")
        async with self.database.reading() as connection:
            pending = await connection.execute(select(pending_registration_table))
            self.assertEqual(pending.all(), [])

    async def test_an_invitation_lets_somebody_in_and_users_log_in(self) -> None:
        sent = await self.invite(EMAIL, by=await self.new_employer())
        data = {"token": sent.secret, "username": "Ada", "new": PASSWORD}
        answer = await self.http.post("/invited", data=data)
        self.assertEqual(answer.headers["location"], "/tickets")
        browser = await self.client()
        answer = await browser.post("/login", data={"email": EMAIL, "password": PASSWORD})
        self.assertEqual(answer.headers["location"], "/tickets")


class Domains(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.settings = domains()
        self.app.state.settings = self.settings
        self.database.outgoing = {Channel.MAIL: asyncio.Event()}
        self.http = await self.client()

    async def log_in(self, email: str = EMAIL) -> httpx.Response:
        return await self.http.post("/login", data={"email": email, "password": "any old 12345"})

    async def mails(self) -> list[Any]:
        async with self.database.reading() as connection:
            query = select(message_table).order_by(message_table.c.id)
            messages: list[Any] = list((await connection.execute(query)).all())
        return [
            mails.compose(message, recipient=None, actor=None, settings=self.settings)
            for message in messages
        ]

    async def token(self, email: str = EMAIL) -> str:
        self.assertEqual((await self.log_in(email)).status_code, 200)
        text = (await self.mails())[-1].get_content()
        token: str = re.findall(r"/confirm\?token=(\S+)", text)[0]
        return token

    async def register(self, token: str, **fields: str) -> httpx.Response:
        data = {"token": token, "username": "Ada", "role": "employee", "new": PASSWORD} | fields
        return await self.http.post("/confirm", data=data)

    async def test_the_link_in_the_mail_leads_on(self) -> None:
        self.assertIn("send you a link to register", (await self.http.get("/login")).text)
        async with self.nothing_changes():
            page = await self.log_in()
        self.assertIn("Check your e-mail", page.text)
        self.assertEqual((await self.http.get("/register")).headers["location"], "/login")
        [mail] = await self.mails()
        self.assertEqual((mail["To"], mail["Subject"]), (EMAIL, "Confirm your e-mail"))
        token = re.findall(r"/confirm\?token=(\S+)", mail.get_content())[0]
        reader = self.http = await self.client()
        form = await reader.get("/confirm", params={"token": token})
        self.assertIn(f"<bdi>{EMAIL}</bdi>", form.text)
        answer = await self.register(token, role="employer")
        self.assertEqual(answer.headers["location"], "/admin/")
        event = await self.last_event()
        self.assertEqual((event.action, event.details), ("user.registered", {"role": "employer"}))
        browser = await self.client()
        for password, status in (("any old 12345", 401), (PASSWORD, 303)):
            answer = await browser.post("/login", data={"email": EMAIL, "password": password})
            self.assertEqual(answer.status_code, status)
        self.http = await self.client()
        await self.assert_gone(token)

    async def test_domains_count_whatever_their_case_and_spelling(self) -> None:
        for email in ("ada@CONTOSO.example", "ada@bücher.example", "ada@xn--bcher-kva.example"):
            with self.subTest(email):
                self.assertEqual((await self.log_in(email)).status_code, 200)
        self.assertEqual(len(await self.mails()), 3)

    async def test_other_domains_are_refused(self) -> None:
        for email in (
            "ada@fabrikam.example",
            "ada@mail.contoso.example",
            "ada@notcontoso.example",
            "contoso.example@evil.example",
        ):
            async with self.nothing_changes():
                page = await self.log_in(email)
            self.assertEqual(page.status_code, 403)
            self.assertIn("can register: contoso.example, bücher.example.", page.text)
        self.assertEqual(await self.mails(), [])

    async def test_programs_do_not_register(self) -> None:
        async with self.nothing_changes():
            answer = await self.http.post("/api/users", json=registration())
            body = self.assert_problem(answer, 403, "registration-closed")
        self.assertIn("log-in page", body["detail"])

    async def test_other_domains_come_by_invitation(self) -> None:
        sent = await self.invite("ada@fabrikam.example", by=await self.new_employer())
        data = {"token": sent.secret, "username": "Ada", "new": PASSWORD}
        answer = await self.http.post("/invited", data=data)
        self.assertEqual(answer.headers["location"], "/tickets")

    async def test_employers_need_the_code(self) -> None:
        self.app.state.settings = domains(employer_code="four random words here")
        token = await self.token()
        async with self.nothing_changes():
            page = await self.register(token, role="employer", employer_code="wrong")
        self.assertEqual(page.status_code, 422)
        self.assertIn('id="employer_code-problem"', page.text)
        answer = await self.register(token, role="employer", employer_code="four random words here")
        self.assertEqual(answer.headers["location"], "/admin/")

    async def test_a_form_that_will_not_do_is_refused_and_the_link_stays(self) -> None:
        token = await self.token()
        for fields in ({"new": "short"}, {"username": ""}, {"role": "boss"}):
            async with self.nothing_changes():
                page = await self.register(token, **fields)
            self.assertEqual(page.status_code, 422)
            [name] = fields
            self.assertIn(f'id="{name}-problem"', page.text)
        self.assertEqual((await self.register(token)).status_code, 303)

    async def test_old_links_and_what_is_none_are_refused(self) -> None:
        token = await self.token()
        async with self.database.transaction() as connection:
            await connection.execute(
                update(confirmation_table).values(expires_at=func.now() - timedelta(seconds=1))
            )
        for wrong in (token, "", "x", "ü"):
            await self.assert_gone(wrong)
        async with self.database.transaction() as connection:
            await delete_expired(connection)
            self.assertEqual((await connection.execute(select(confirmation_table))).all(), [])

    async def test_a_link_is_of_no_use_once_the_domain_is_not_allowed(self) -> None:
        token = await self.token()
        self.app.state.settings = make_settings(registration="invited")
        async with self.nothing_changes():
            answer = await self.register(token)
        self.assertEqual(answer.headers["location"], "/login")

    async def test_too_many_mails_are_refused(self) -> None:
        self.app.state.settings = domains(login_attempts=2)
        for _ in range(2):
            self.assertEqual((await self.log_in()).status_code, 200)
        page = await self.log_in(EMAIL.upper())
        self.assertEqual(page.status_code, 429)
        self.assertIn("retry-after", page.headers)
        self.assertEqual(len(await self.mails()), 2)

    async def test_users_log_in_as_ever(self) -> None:
        user = await self.new_employee()
        answer = await self.http.post("/login", data={"email": user.email, "password": PASSWORD})
        self.assertEqual(answer.headers["location"], "/tickets")

    async def assert_gone(self, token: str) -> None:
        async with self.nothing_changes():
            answers = [
                await self.http.get("/confirm", params={"token": token}),
                await self.register(token, username="Ben"),
            ]
        for answer in answers:
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/login"))
        self.assertIn(GONE, (await self.http.get("/login")).text)


class AtOnce(CommittingTestCase):
    async def test_of_two_who_use_a_link_one_registers(self) -> None:
        self.app.state.settings = domains()
        token = await self.confirmation_of(EMAIL)
        http = await self.client()
        answers = await asyncio.gather(
            *(
                http.post(
                    "/confirm",
                    data={"token": token, "username": name, "role": "employee", "new": PASSWORD},
                )
                for name in ("Ada", "Ben")
            )
        )
        self.assertEqual(
            sorted(answer.headers["location"] for answer in answers), ["/login", "/tickets"]
        )
        self.assertEqual(len(await self.events("user.registered")), 1)
