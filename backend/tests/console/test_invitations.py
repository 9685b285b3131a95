"""Invitations: by page, by file, by API and mail, and registering by their links."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import func, select, update

from expenses.notifications import mails
from expenses.notifications.outbox import Channel, message_table
from expenses.users.invitations import KEPT, LIFETIME, delete_expired
from expenses.users.models import Role, invitation_table, user_table
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, make_settings

EMAIL = "ada@contoso.example"
GONE = "This invitation has been used or revoked, or is too old."


class InvitationTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.console = await self.browser_of(self.boss)
        self.http = await self.client()

    async def send(self, email: str = EMAIL, role: str = "employee") -> httpx.Response:
        return await self.console.post("/admin/invitations", data={"email": email, "role": role})

    async def upload(self, text: str) -> httpx.Response:
        files = {"file": ("people.csv", text.encode())}
        return await self.console.post("/admin/invitations/file", files=files)

    async def register(self, token: str, **fields: str) -> httpx.Response:
        data = {"token": token, "username": "Ada", "new": PASSWORD} | fields
        return await self.http.post("/invited", data=data)

    async def invited(self) -> list[Any]:
        async with self.database.reading() as connection:
            query = select(invitation_table).order_by(invitation_table.c.id)
            return list((await connection.execute(query)).all())

    async def expire(self, after: timedelta = LIFETIME) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                update(invitation_table).values(expires_at=func.now() + LIFETIME - after)
            )

    def tokens(self, page: httpx.Response) -> list[str]:
        return re.findall(r'value="http://localhost:8000/invited\?token=([^"]+)"', page.text)

    async def assert_gone(self, token: str) -> None:
        async with self.nothing_changes():
            answers = [
                await self.http.get("/invited", params={"token": token}),
                await self.register(token),
            ]
        for answer in answers:
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/login"))
        self.assertIn(GONE, (await self.http.get("/login")).text)


class Invite(InvitationTestCase):
    async def test_the_link_is_shown_once_and_registers_with_the_role(self) -> None:
        for email, role, home in (
            (EMAIL, "employee", "/tickets"),
            ("ben@fabrikam.example", "employer", "/admin/"),
        ):
            [token] = self.tokens(await self.send(email, role))
            [row] = await self.invited()
            event = await self.last_event()
            self.assertEqual(
                (event.action, event.actor_id, event.details),
                ("invitation.created", self.boss.id, {"invitation": row.id, "role": role}),
            )
            page = await self.console.get("/admin/invitations")
            self.assertIn(email, page.text)
            self.assertNotIn(token, page.text)
            form = await self.http.get("/invited", params={"token": token})
            self.assertIn(f"<bdi>{email}</bdi>", form.text)
            answer = await self.register(token, username=email, role="employer")
            self.assertEqual((answer.status_code, answer.headers["location"]), (303, home))
            async with self.database.reading() as connection:
                [user] = await connection.execute(
                    select(user_table.c.id, user_table.c.role).where(user_table.c.email == email)
                )
            self.assertEqual(user.role, role)
            event = await self.last_event()
            self.assertEqual((event.action, event.actor_id), ("user.registered", user.id))
            self.assertEqual(
                event.details, {"role": role, "invitation": row.id, "invited_by": self.boss.id}
            )
            self.assertEqual((await self.http.get(home, follow_redirects=True)).status_code, 200)
            self.assertEqual(await self.invited(), [])
            self.http = await self.client()
            await self.assert_gone(token)

    async def test_the_page_belongs_to_the_employees(self) -> None:
        for page in ("/admin/invitations", "/admin/employers", "/admin/employee/list"):
            self.assertRegex(
                (await self.console.get(page)).text,
                r'href="/admin/employee/list" aria-current="page"',
            )

    async def test_no_company_code_is_asked_for(self) -> None:
        sent = await self.invite(EMAIL, by=self.boss, role=Role.EMPLOYER)
        self.app.state.settings = make_settings(employer_code="four random words here")
        self.assertEqual((await self.register(sent.secret)).headers["location"], "/admin/")

    async def test_where_passwords_are_off_the_link_says_how_to_log_in(self) -> None:
        sent = await self.invite(EMAIL, by=self.boss)
        self.app.state.settings = self.settings.model_copy(update={"oidc_only": True})
        async with self.nothing_changes():
            page = await self.register(sent.secret)
        self.assertEqual(page.status_code, 403)
        self.assertIn("Passwords are not used here.", page.text)

    async def test_who_is_registered_or_invited_is_refused(self) -> None:
        ben = await self.new_employee()
        await self.send()
        for email, sentence in (
            (ben.email.upper(), "is already registered."),
            ("ADA@contoso.example", "is already invited. Send that invitation again."),
        ):
            before = await self.invited()
            async with self.nothing_changes():
                page = await self.send(email)
            self.assertEqual(page.status_code, 409)
            self.assertIn(sentence, page.text)
            self.assertEqual(await self.invited(), before)

    async def test_what_is_wrong_is_said_at_the_field(self) -> None:
        async with self.nothing_changes():
            page = await self.send("ada", "boss")
        self.assertEqual(page.status_code, 422)
        for name in ("email", "role"):
            self.assertIn(f'id="{name}-problem"', page.text)
        self.assertEqual(await self.invited(), [])

    async def test_registering_without_the_link_ends_the_invitation(self) -> None:
        sent = await self.invite(EMAIL, by=self.boss)
        person = {"email": "ADA@contoso.example", "password": PASSWORD, "username": "Ada"}
        await self.http.post("/api/users", json=person | {"role": "employee"})
        self.assertEqual(await self.invited(), [])
        await self.assert_gone(sent.secret)


class Links(InvitationTestCase):
    async def test_an_old_one_is_refused_and_gives_way_to_a_new_one(self) -> None:
        sent = await self.invite(EMAIL, by=self.boss)
        await self.expire()
        await self.assert_gone(sent.secret)
        page = await self.console.get("/admin/invitations")
        self.assertIn("The link no longer works", page.text)
        [token] = self.tokens(await self.send())
        self.assertEqual((await self.register(token)).status_code, 303)

    async def test_what_is_no_link_is_refused(self) -> None:
        for token in ("", "x", "ü", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")):
            await self.assert_gone(token)

    async def test_sent_again_the_new_link_alone_works(self) -> None:
        sent = await self.invite(EMAIL, by=self.boss)
        await self.expire()
        other = await self.new_employer("Priya")
        browser = await self.browser_of(other)
        page = await browser.post(f"/admin/invitations/{sent.id}/resend")
        [token] = self.tokens(page)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.details),
            ("invitation.resent", other.id, {"invitation": sent.id, "role": "employee"}),
        )
        await self.assert_gone(sent.secret)
        self.assertIn("Priya", (await browser.get("/admin/invitations")).text)
        self.assertEqual((await self.register(token)).headers["location"], "/tickets")

    async def test_revoked_while_the_form_is_open(self) -> None:
        sent = await self.invite(EMAIL, by=self.boss)
        await self.http.get("/invited", params={"token": sent.secret})
        answer = await self.console.post(f"/admin/invitations/{sent.id}/revoke")
        self.assertEqual(answer.headers["location"], "/admin/invitations")
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.details),
            ("invitation.revoked", self.boss.id, {"invitation": sent.id, "role": "employee"}),
        )
        await self.assert_gone(sent.secret)
        for verb in ("revoke", "resend"):
            async with self.nothing_changes():
                answer = await self.console.post(f"/admin/invitations/{sent.id}/{verb}")
            self.assertEqual(answer.headers["location"], "/admin/invitations")
            page = await self.console.get("/admin/invitations")
            self.assertIn("This invitation is not open any more.", page.text)

    async def test_it_ends_with_the_employer_who_sent_it(self) -> None:
        sent = await self.invite(EMAIL, by=self.boss)
        async with self.database.transaction() as connection:
            await connection.execute(
                update(user_table).where(user_table.c.id == self.boss.id).values(role=Role.EMPLOYEE)
            )
        await self.assert_gone(sent.secret)

    async def test_a_form_that_will_not_do_is_refused_and_the_link_stays(self) -> None:
        await self.new_employee("Ben")
        sent = await self.invite(EMAIL, by=self.boss)
        for fields, status, sentence in (
            ({"new": "short"}, 422, "Use 8 to 200 characters."),
            ({"new": EMAIL}, 422, "Choose something other than your e-mail"),
            ({"username": "", "new": ""}, 422, "Required."),
            ({"username": "Ben"}, 409, "Another user has this name"),
        ):
            async with self.nothing_changes():
                page = await self.register(sent.secret, **fields)
            self.assertEqual(page.status_code, status)
            self.assertIn(sentence, page.text)
        self.assertEqual((await self.register(sent.secret)).status_code, 303)

    async def test_too_many_registrations_are_refused(self) -> None:
        self.app.state.settings = make_settings(address_registrations=1)
        sent = [await self.invite(f"p{n}@contoso.example", by=self.boss) for n in range(2)]
        self.assertEqual((await self.register(sent[0].secret)).status_code, 303)
        async with self.nothing_changes():
            page = await self.register(sent[1].secret, username="Ben")
        self.assertEqual(page.status_code, 429)
        self.assertIn("retry-after", page.headers)

    async def test_old_ones_are_deleted_in_the_end(self) -> None:
        await self.invite(EMAIL, by=self.boss)
        for after, left in ((LIFETIME + KEPT, 1), (LIFETIME + KEPT + timedelta(minutes=1), 0)):
            await self.expire(after)
            async with self.database.transaction() as connection:
                await delete_expired(connection)
            self.assertEqual(len(await self.invited()), left)


class ByFile(InvitationTestCase):
    async def test_everybody_is_invited(self) -> None:
        page = await self.upload(
            "E-mail;Role\nada@contoso.example;employee\n\nben@contoso.example;EMPLOYER\n"
            "李@contoso.example;雇主\neve@contoso.example\n"
        )
        self.assertEqual(len(self.tokens(page)), 4)
        roles = {row.email: row.role for row in await self.invited()}
        self.assertEqual(
            roles,
            {
                "ada@contoso.example": Role.EMPLOYEE,
                "ben@contoso.example": Role.EMPLOYER,
                "李@contoso.example": Role.EMPLOYER,
                "eve@contoso.example": Role.EMPLOYEE,
            },
        )
        self.assertEqual(len(await self.events("invitation.created")), 4)

    async def test_errors_name_the_row_and_nobody_is_invited(self) -> None:
        ben = await self.new_employee()
        await self.invite("eve@contoso.example", by=self.boss)
        before = await self.invited()
        for text, problems in (
            (
                "email,role\nada,employee\nzoe@contoso.example,king\nfay@contoso.example\n"
                "FAY@contoso.example,employer\n",
                {2: "Use an e-mail address", 3: "The role is either", 5: "is in row 4."},
            ),
            (
                f"{ben.email}\nada@contoso.example\neve@contoso.example",
                {1: "is already registered.", 3: "is already invited."},
            ),
        ):
            async with self.nothing_changes():
                page = await self.upload(text)
            self.assertEqual(page.status_code, 422)
            found = dict(re.findall(r"<li>Row (\d+): ([^<]+)</li>", page.text))
            self.assertEqual(set(map(int, found)), problems.keys())
            for number, sentence in problems.items():
                self.assertIn(sentence, found[str(number)])
            self.assertEqual(await self.invited(), before)

    async def test_what_is_no_file_of_people_is_said(self) -> None:
        for text in ("", "email,role\n", "\0", "a@contoso.example\n" * 501):
            async with self.nothing_changes():
                page = await self.upload(text)
            self.assertEqual(page.status_code, 422)
            self.assertIn('id="file-problem"', page.text)


class ByMail(InvitationTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.settings = make_settings(smtp_url="smtp://localhost")
        self.app.state.settings = self.settings
        self.database.outgoing = {Channel.MAIL: asyncio.Event()}

    async def mail(self) -> Any:
        async with self.database.reading() as connection:
            query = select(message_table).order_by(message_table.c.id)
            message: Any = (await connection.execute(query)).all()[-1]
        return mails.compose(message, recipient=None, actor=self.boss, settings=self.settings)

    async def test_the_link_is_mailed_and_not_shown(self) -> None:
        answer = await self.send()
        self.assertEqual(answer.headers["location"], "/admin/invitations")
        mail = await self.mail()
        self.assertEqual(mail["To"], EMAIL)
        self.assertIsNone(mail["List-Unsubscribe"])
        self.assertIn("Dana invites you as an employee", mail.get_content())
        [token] = re.findall(r"/invited\?token=(\S+)", mail.get_content())
        self.assertEqual((await self.register(token)).headers["location"], "/tickets")

    async def test_in_the_language_of_whoever_invites(self) -> None:
        self.console.headers["Accept-Language"] = "zh-CN"
        await self.send(role="employer")
        mail = await self.mail()
        self.assertEqual(mail["Content-Language"], "zh-CN")
        self.assertIn("雇主", mail.get_content())

    async def test_programs_are_not_told_the_link(self) -> None:
        api = await self.program_of(self.boss)
        answer = await api.post("/api/invitations", json={"email": EMAIL, "role": "employee"})
        self.assertEqual((answer.status_code, answer.json()["link"]), (201, None))
        self.assertIn("/invited?token=", (await self.mail()).get_content())


class ByProgram(InvitationTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.api = await self.program_of(self.boss)

    async def test_invited_listed_sent_again_and_revoked(self) -> None:
        path = "/api/invitations"
        sent = (await self.api.post(path, json={"email": EMAIL, "role": "employer"})).json()
        [item] = (await self.api.get(path)).json()["items"]
        self.assertEqual(
            (item["id"], item["email"], item["role"], item["invited_by"], item["valid"]),
            (sent["id"], EMAIL, "employer", "Dana", True),
        )
        again = await self.api.post(f"{path}/{sent['id']}/resend")
        self.assertNotEqual(again.json()["link"], sent["link"])
        self.assertEqual((await self.last_event()).action, "invitation.resent")
        self.assertEqual((await self.api.delete(f"{path}/{sent['id']}")).status_code, 204)
        self.assertEqual((await self.last_event()).action, "invitation.revoked")
        self.assertEqual((await self.api.get(path)).json(), {"items": [], "next": None})
        await self.assert_gone(again.json()["link"].partition("token=")[2])

    async def test_refusals(self) -> None:
        person = {"email": EMAIL, "role": "employee"}
        await self.api.post("/api/invitations", json=person)
        async with self.nothing_changes():
            answer = await self.api.post("/api/invitations", json=person)
            self.assert_problem(answer, 409, "already-invited")
            answer = await self.api.post(
                "/api/invitations", json=person | {"email": self.boss.email.title()}
            )
            self.assert_problem(answer, 409, "already-registered")
            for method, path in (("POST", "/999999/resend"), ("DELETE", "/999999")):
                answer = await self.api.request(method, f"/api/invitations{path}")
                self.assert_problem(answer, 404, "not-found")

    async def test_pages_of_the_list(self) -> None:
        for number in range(3):
            await self.invite(f"p{number}@contoso.example", by=self.boss)
        first = (await self.api.get("/api/invitations?limit=2")).json()
        rest = (await self.api.get(f"/api/invitations?limit=2&cursor={first['next']}")).json()
        names = [item["email"][:2] for item in first["items"] + rest["items"]]
        self.assertEqual((names, rest["next"]), (["p2", "p1", "p0"], None))


class AtOnce(CommittingTestCase):
    async def test_of_two_who_use_a_link_one_registers(self) -> None:
        sent = await self.invite(EMAIL, by=await self.new_employer())
        http = await self.client()
        answers = await asyncio.gather(
            *(
                http.post(
                    "/invited", data={"token": sent.secret, "username": name, "new": PASSWORD}
                )
                for name in ("Ada", "Ben")
            )
        )
        self.assertEqual(
            sorted(answer.headers["location"] for answer in answers), ["/login", "/tickets"]
        )
        self.assertEqual(len(await self.events("user.registered")), 2)

    async def test_of_two_who_invite_somebody_one_does(self) -> None:
        browser = await self.browser_of(await self.new_employer())
        person = {"email": EMAIL, "role": "employee"}
        answers = await asyncio.gather(
            *(browser.post("/admin/invitations", data=person) for _ in range(2))
        )
        self.assertEqual(sorted(answer.status_code for answer in answers), [200, 409])
        self.assertEqual(len(await self.events("invitation.created")), 1)
