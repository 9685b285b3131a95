"""Single sign-on: who gets in, as whom, and which answers of an issuer are refused."""

import asyncio
import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import select, update

from expenses.errors import InvitationExpired
from expenses.notifications import mails
from expenses.notifications.outbox import Channel, message_table
from expenses.portal.issuer import Issuer
from expenses.users.invitation_queries import find_invitation
from expenses.users.invitations import revoke
from expenses.users.models import Role, Scope, linked_account_table, session_table, user_table
from expenses.users.schemas import NewToken
from expenses.users.second_factor.passkeys import add_passkey
from expenses.users.second_factor.queries import count_factors
from expenses.users.second_factor.relying_party import NewCredential
from expenses.users.single_sign_on import unlink
from expenses.users.tokens import create_token
from tests.harness import PASSWORD, AppTestCase, make_settings, registration, usual_settings
from tests.issuer import CLIENT, SECRET, Claims, listening_issuer, new_key

ADA = "ada@contoso.example"


class SingleSignOnTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.issuer = self.enterContext(listening_issuer())
        self.configure()
        self.http = await self.client()

    def configure(self, **values: Any) -> None:
        self.settings = make_settings(
            public_url="http://localhost",
            oidc_issuer=self.issuer.url,
            oidc_client_id=CLIENT,
            oidc_client_secret=SECRET,
            oidc_name="Contoso ID",
            **values,
        )
        self.app.state.settings = self.settings
        self.app.state.issuer = Issuer(self.settings)
        self.addCleanup(setattr, self.app.state, "issuer", None)

    async def go(self, way_on: str = "") -> str:
        """To the issuer; the address that it sends the browser back to."""
        answer = await self.http.get("/login/sso", params={"next": way_on})
        self.assertTrue(answer.headers["location"].startswith(f"{self.issuer.url}/authorize?"))
        return self.issuer.authorize(answer.headers["location"])

    async def sign_in(self, way_on: str = "") -> httpx.Response:
        return await self.http.get(await self.go(way_on))

    async def register(self, **fields: str) -> httpx.Response:
        form = {"username": "Ada", "role": "employee"} | fields
        return await self.http.post("/register", data=form)

    async def links(self) -> list[tuple[str, str, int]]:
        async with self.database.reading() as connection:
            columns = (linked_account_table.c[name] for name in ("issuer", "subject", "user_id"))
            return [tuple(row) for row in await connection.execute(select(*columns))]

    async def sessions(self) -> int:
        async with self.database.reading() as connection:
            return len((await connection.execute(select(session_table.c.id))).all())

    async def user(self, email: str = ADA) -> Any:
        async with self.database.reading() as connection:
            query = select(user_table).where(user_table.c.email == email)
            return (await connection.execute(query)).one()

    def assert_leads_to(self, answer: httpx.Response, path: str) -> None:
        self.assertEqual((answer.status_code, answer.headers.get("location")), (303, path))

    async def assert_refused(self, sentence: str, answer: httpx.Response) -> None:
        """The log-in page says why."""
        self.assert_leads_to(answer, "/login")
        self.assertIn(sentence, (await self.http.get("/login")).text)
        self.assertEqual((await self.http.get("/tickets")).status_code, 303)


class NewPeople(SingleSignOnTestCase):
    async def test_are_asked_for_name_and_role(self) -> None:
        self.assert_leads_to(await self.sign_in("/tickets?q=lunch"), "/register")
        self.assertIn(ADA, (await self.http.get("/register")).text)
        self.assert_leads_to(await self.register(role="employer"), "/tickets?q=lunch")
        ada = await self.user()
        self.assertEqual((ada.username, ada.role, ada.password_hash), ("Ada", "employer", None))
        self.assertEqual(await self.links(), [(self.issuer.url, "248289761001", ada.id)])
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            ("user.registered", ada.id, ada.id, {"role": "employer", "issuer": self.issuer.url}),
        )
        # From now on they are known.
        await self.http.post("/logout")
        self.assert_leads_to(await self.sign_in(), "/admin/")
        self.assertEqual(len(await self.events()), 1)

    async def test_see_the_name_that_the_issuer_says(self) -> None:
        self.issuer.claims["name"] = "Ada Lovelace"
        self.assert_leads_to(await self.sign_in(), "/register")
        self.assertIn('value="Ada Lovelace"', (await self.http.get("/register")).text)

    async def test_need_an_invitation_where_that_is_so_and_get_its_role(self) -> None:
        self.configure(registration="invited")
        for claims in ({}, {"name": "Ada Lovelace"}):
            self.issuer.claims |= claims
            async with self.nothing_changes():
                answer = await self.sign_in()
                await self.assert_refused("only people with an invitation", answer)
        boss = await self.new_employer()
        alike = await self.invite(ADA.replace("s", "\u017f"), by=boss)
        await self.assert_refused("only people with an invitation", await self.sign_in())
        async with self.database.transaction() as connection:
            await revoke(connection, alike.id, actor=boss)
        sent = await self.invite(ADA.title(), by=boss, role=Role.EMPLOYER)
        self.assert_leads_to(await self.sign_in(), "/register")
        self.assertNotIn('name="role"', (await self.http.get("/register")).text)
        self.assert_leads_to(await self.register(role="employee"), "/admin/")
        async with self.database.reading() as connection:
            with self.assertRaises(InvitationExpired):
                await find_invitation(connection, sent.secret)

    async def test_whose_invitation_is_revoked_meanwhile_stay_out(self) -> None:
        self.configure(registration="invited")
        boss = await self.new_employer()
        sent = await self.invite(ADA, by=boss)
        await self.sign_in()
        async with self.database.transaction() as connection:
            await revoke(connection, sent.id, actor=boss)
        async with self.nothing_changes():
            answer = await self.register()
        await self.assert_refused("only people with an invitation", answer)

    async def test_are_of_the_domains_that_may_register(self) -> None:
        for domain, path in (("fabrikam.example", "/login"), (ADA.partition("@")[2], "/register")):
            self.configure(
                registration="domains", registration_domains=[domain], smtp_url="smtp://localhost"
            )
            self.assert_leads_to(await self.sign_in(), path)

    async def test_need_the_code_for_employers(self) -> None:
        self.configure(employer_code="sesame")
        await self.sign_in()
        async with self.nothing_changes():
            page = await self.register(role="employer", employer_code="open")
        self.assertEqual(page.status_code, 422)
        answer = await self.register(role="employer", employer_code="sesame")
        self.assert_leads_to(answer, "/admin/")

    async def test_whose_name_and_group_are_said_are_in_at_once(self) -> None:
        self.configure(oidc_employer_group="expense-approvers", employer_code="sesame")
        self.issuer.claims |= {"name": "Ada", "groups": ["staff", "expense-approvers"]}
        self.assert_leads_to(await self.sign_in(), "/admin/")
        self.assertEqual((await self.user()).role, Role.EMPLOYER)
        self.assertEqual((await self.last_event()).details["role"], "employer")

    async def test_outside_the_group_are_employees_whatever_they_send(self) -> None:
        self.configure(oidc_employer_group="expense-approvers")
        for groups in (["staff"], "expense-approvers", None):
            self.issuer.claims["groups"] = groups
            self.assert_leads_to(await self.sign_in(), "/register")
        self.assertNotIn('name="role"', (await self.http.get("/register")).text)
        self.assert_leads_to(await self.register(role="employer"), "/tickets")
        self.assertEqual((await self.user()).role, Role.EMPLOYEE)

    async def test_with_a_name_that_is_taken_are_asked_for_another(self) -> None:
        await self.new_employee("Ada")
        self.configure(oidc_employer_group="expense-approvers")
        self.issuer.claims["name"] = "Ada"
        async with self.nothing_changes():
            self.assert_leads_to(await self.sign_in(), "/register")
            self.assertEqual((await self.register()).status_code, 409)
        self.assert_leads_to(await self.register(username="Ada Lovelace"), "/tickets")

    async def test_have_their_email_from_userinfo_where_the_token_lacks_it(self) -> None:
        subject = self.issuer.claims["sub"]
        self.issuer.userinfo, self.issuer.claims = self.issuer.claims, {"sub": subject}
        self.assert_leads_to(await self.sign_in(), "/register")
        self.issuer.userinfo["sub"] = "another"
        async with self.nothing_changes():
            await self.assert_refused("did not confirm who you are", await self.sign_in())

    async def test_have_no_password_that_fits(self) -> None:
        await self.sign_in()
        await self.register()
        other = await self.client()
        async with self.nothing_changes():
            answer = await other.post("/login", data={"email": ADA, "password": PASSWORD})
        self.assertEqual(answer.status_code, 401)


class KnownPeople(SingleSignOnTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.issuer.claims["email"] = self.ada.email.upper()

    async def test_are_linked_and_what_was_not_proven_ends(self) -> None:
        elsewhere = await self.browser_of(self.ada)
        async with self.database.transaction() as connection:
            new = NewCredential(b"credential", b"key", 0)
            await add_passkey(connection, new, "A key", user_id=self.ada.id)
        new_token = NewToken(name="Import", scopes=[Scope.READ], password=PASSWORD)
        async with self.database.transaction() as connection:
            _, token = await create_token(connection, new_token, actor=self.ada)
        program = await self.client(Authorization=f"Bearer {token}")
        self.assert_leads_to(await self.sign_in(), "/tickets")
        self.assertEqual(await self.links(), [(self.issuer.url, "248289761001", self.ada.id)])
        [event] = await self.events("user.linked")
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "user.linked",
                self.ada.id,
                self.ada.id,
                {"issuer": self.issuer.url, "sessions_ended": 1, "tokens_revoked": 1},
            ),
        )
        self.assert_problem(await program.get("/api/tickets"), 401, "not-logged-in")
        self.assertIsNone((await self.user(self.ada.email)).password_hash)
        async with self.database.reading() as connection:
            factors = await count_factors(connection, self.ada.id)
        self.assertEqual(factors, (0, 0))
        self.assertEqual((await elsewhere.get("/tickets")).status_code, 303)
        self.assertEqual((await self.http.get("/tickets")).status_code, 200)

    async def test_have_no_tokens_that_somebody_else_may_have_made(self) -> None:
        made = await (await self.program_of(self.ada)).post(
            "/api/me/tokens", json={"name": "Mine", "scopes": ["read"], "password": PASSWORD}
        )
        program = await self.client(Authorization=f"Bearer {made.json()['token']}")
        self.assertEqual((await program.get("/api/tickets")).status_code, 200)
        await self.sign_in()
        self.assert_problem(await program.get("/api/tickets"), 401, "not-logged-in")
        [event] = await self.events("user.linked")
        self.assertEqual(event.details["tokens_revoked"], 1)

    async def test_are_told_by_mail(self) -> None:
        self.database.outgoing = {Channel.MAIL: asyncio.Event()}
        await self.sign_in()
        async with self.database.reading() as connection:
            message: Any = (await connection.execute(select(message_table))).all()[0]
        mail = mails.compose(message, recipient=self.ada, actor=None, settings=self.settings)
        self.assertEqual(mail["Subject"], "You log in with Contoso ID from now on")
        text = " ".join(mail.get_content().split())
        self.assertIn("Your password, passkeys and tokens no longer work", text)
        # Whoever registered with this e-mail may have said where the money goes.
        self.assertIn("whether the payout details are yours", text)

    async def test_keep_their_sessions_at_the_next_log_in_and_whatever_their_email_is(self) -> None:
        await self.sign_in()
        first, self.http = self.http, await self.client()
        self.issuer.claims["email"] = "ada@elsewhere.example"
        self.assert_leads_to(await self.sign_in(), "/tickets")
        self.assertEqual(len(await self.events("user.linked")), 1)
        self.assertEqual((await first.get("/tickets")).status_code, 200)

    async def test_who_are_suspended_stay_out(self) -> None:
        for is_linked in (False, True):
            if is_linked:
                await self.sign_in()
            employer = await self.new_employer()
            await self.suspend(self.ada, by=employer)
            links = await self.links()
            async with self.nothing_changes():
                await self.assert_refused("This account is suspended", await self.sign_in())
            self.assertEqual((await self.links(), await self.sessions()), (links, 0))
            browser = await self.browser_of(employer)
            await browser.post(f"/admin/employee/{self.ada.id}/reactivate")
            async with self.database.transaction() as connection:
                await connection.execute(session_table.delete())

    async def test_are_not_taken_over_by_another_with_their_email(self) -> None:
        await self.sign_in()
        self.http = await self.client()
        self.issuer.claims["sub"] = "another"
        async with self.nothing_changes():
            await self.assert_refused("belongs to somebody else", await self.sign_in())
        self.assertEqual(len(await self.links()), 1)

    async def test_are_not_taken_over_by_a_mailbox_that_is_only_spelled_alike(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                update(user_table)
                .where(user_table.c.id == self.ada.id)
                .values(email="kim@contoso.example", email_identity="kim@contoso.example")
            )
        for email, sentence in (
            ("k\u0131m@contoso.example", "belongs to somebody else"),
            ("\u212aim@contoso.example", "has not verified your e-mail"),
        ):
            self.issuer.claims["email"] = email
            async with self.nothing_changes():
                await self.assert_refused(sentence, await self.sign_in())
            self.assertEqual(await self.links(), [])

    async def test_who_have_a_new_account_there_are_linked_anew_once_they_are_unlinked(
        self,
    ) -> None:
        await self.sign_in()
        async with self.database.transaction() as connection:
            await unlink(connection, self.ada.email)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.user_id, event.details),
            ("user.unlinked", self.ada.id, {"sessions_ended": 1}),
        )
        self.assertEqual((await self.http.get("/tickets")).status_code, 303)
        self.http = await self.client()
        self.issuer.claims["sub"] = "another"
        self.assert_leads_to(await self.sign_in(), "/tickets")
        self.assertEqual(await self.links(), [(self.issuer.url, "another", self.ada.id)])

    async def test_are_said_by_entra_in_its_own_way(self) -> None:
        del self.issuer.claims["email_verified"]
        self.issuer.claims["xms_edov"] = True
        self.assert_leads_to(await self.sign_in(), "/tickets")


class WithoutAPassword(SingleSignOnTestCase):
    """What else asks for the password."""

    PAYOUT = {"holder": "Ada", "account": "6222021234567890123", "bank": "A bank"}

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.issuer.claims["email"] = self.ada.email

    async def test_a_log_in_of_now_confirms_a_change(self) -> None:
        await self.sign_in()
        page = await self.http.get("/account/payout")
        self.assertNotIn('name="password"', page.text)
        for sign_in in (None, int(time.time()) - 700):
            self.issuer.claims["auth_time"] = sign_in
            await self.sign_in()
            async with self.nothing_changes():
                page = await self.http.post("/account/payout", data=self.PAYOUT)
            self.assertEqual(page.status_code, 422)
            self.assertIn("Log in again first", page.text)
            self.assertIn("again=1", (await self.http.get("/account/email")).text)
        again = await self.http.get("/login/sso?again=1&next=/account/payout")
        asked = parse_qs(urlsplit(again.headers["location"]).query)
        self.assertEqual((asked["prompt"], asked["max_age"]), (["login"], ["0"]))
        self.issuer.claims["auth_time"] = int(time.time())
        back = await self.http.get(self.issuer.authorize(again.headers["location"]))
        self.assert_leads_to(back, "/account/payout")
        for name, form in (("payout", self.PAYOUT), ("email", {"email": "a@contoso.example"})):
            answer = await self.http.post(f"/account/{name}", data=form)
            self.assert_leads_to(answer, "/account")
        [*_, payout, email] = await self.events()
        self.assertEqual(
            (payout.action, email.action), ("user.payout_changed", "user.email_changed")
        )

    async def test_a_program_has_no_way_to_confirm(self) -> None:
        await self.sign_in()
        api = await self.program_of(self.ada)
        async with self.nothing_changes():
            answer = await api.put("/api/me/payout", json=self.PAYOUT | {"password": PASSWORD})
        self.assert_problem(answer, 422, "invalid-input")

    async def test_the_account_page_has_no_form_for_one(self) -> None:
        await self.sign_in()
        page = await self.http.get("/account")
        self.assertIn("You log in with Contoso ID and have no password here.", page.text)
        self.assertNotIn('name="old"', page.text)
        async with self.nothing_changes():
            form = {"old": PASSWORD, "new": "another horse 10", "again": "another horse 10"}
            page = await self.http.post("/account/password", data=form)
        self.assertEqual(page.status_code, 422)

    async def test_one_can_be_set_by_a_link(self) -> None:
        await self.sign_in()
        token = await self.reset_token(self.ada)
        new = {"new": "another horse 10", "again": "another horse 10"}
        await self.http.post("/reset", data={"token": token} | new)
        credentials = {"email": self.ada.email, "password": "another horse 10"}
        self.assert_leads_to(await self.http.post("/login", data=credentials), "/tickets")


class Refused(SingleSignOnTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.issuer.claims["email"] = self.ada.email

    async def assert_not_in(
        self, answer: httpx.Response, sentence: str = "did not confirm who you are"
    ) -> None:
        await self.assert_refused(sentence, answer)
        self.assertEqual((await self.links(), await self.sessions()), ([], 0))

    async def test_tokens_that_are_not_for_this_log_in(self) -> None:
        usual = self.issuer.claims
        now = int(time.time())
        wrong: dict[str, Claims] = {
            "wrong issuer": {"iss": "https://login.elsewhere.example"},
            "wrong audience": {"aud": "another-client"},
            "for another party": {"aud": ["another-client", CLIENT], "azp": "another-client"},
            "another's, for us": {"aud": "another-client", "azp": CLIENT},
            "expired": {"iat": now - 900, "exp": now - 600},
            "from the future": {"iat": now + 3600, "exp": now + 7200},
            "replayed": {"nonce": "of another log-in"},
            "nobody": {"sub": None},
            "for ever": {"exp": None},
        }
        for name, changed in wrong.items():
            with self.subTest(name):
                self.issuer.claims = usual | changed
                async with self.nothing_changes():
                    await self.assert_not_in(await self.sign_in())

    async def test_tokens_that_the_issuer_has_not_signed(self) -> None:
        stranger = new_key("first")
        public = self.issuer.key.as_pem(private=False)

        def without(claims: Claims) -> str:
            header, body, _ = self.issuer.signed(claims).split(".")
            return f"{header}.{body}."

        for name, sign in {
            "wrong key": lambda claims: self.issuer.signed(claims, stranger),
            "unknown key": lambda claims: self.issuer.signed(claims, stranger, kid="second"),
            "alg=none": lambda claims: _by_hand(claims, "none"),
            "no signature": without,
            "our secret": lambda claims: _by_hand(claims, "HS256", SECRET.encode()),
            "public key as a secret": lambda claims: _by_hand(claims, "HS256", public),
            "no token": lambda _: "x",
        }.items():
            with self.subTest(name):
                self.issuer.sign = sign
                async with self.nothing_changes():
                    await self.assert_not_in(await self.sign_in())

    async def test_a_new_key_is_fetched(self) -> None:
        await self.sign_in()
        self.http = await self.client()
        self.issuer.key = new_key("second")
        self.issuer.sign = lambda claims: self.issuer.signed(claims, kid="second")
        self.assert_leads_to(await self.sign_in(), "/tickets")
        self.assertEqual(self.issuer.fetched, ["/.well-known/openid-configuration", *["/keys"] * 2])

    async def test_an_email_that_is_not_verified(self) -> None:
        sentence = "Contoso ID has not verified your e-mail."
        for changed in (
            {"email_verified": False},
            {"email_verified": "false"},
            {"email_verified": False, "xms_edov": True},
            {"email": "ada", "email_verified": True},
        ):
            with self.subTest(changed):
                self.issuer.claims |= changed
                async with self.nothing_changes():
                    await self.assert_not_in(await self.sign_in(), sentence)

    async def test_a_code_twice(self) -> None:
        address = await self.go()
        before = dict(self.http.cookies)
        await self.http.get(address)
        await self.http.post("/logout")
        events = await self.events()
        # By the same browser, and by one that still has its cookie of before.
        await self.assert_refused("did not confirm", await self.http.get(address))
        self.http = await self.client()
        self.http.cookies.update(before)
        await self.assert_refused("did not confirm", await self.http.get(address))
        self.assertEqual((await self.events(), await self.sessions()), (events, 0))

    async def test_an_answer_that_another_browser_has_asked_for(self) -> None:
        address = await self.go()
        self.http = await self.client()
        async with self.nothing_changes():
            await self.assert_not_in(await self.http.get(address))
            await self.go()
            await self.assert_not_in(await self.http.get(address))

    async def test_answers_that_make_no_sense(self) -> None:
        state = parse_qs(urlsplit(await self.go()).query)["state"][0]
        for query in ("", "code=x", f"state={state}", f"code=x&state={state}", "error=x&state=%00"):
            async with self.nothing_changes():
                answer = await self.http.get(f"/login/sso/callback?{query}")
                await self.assert_not_in(answer)

    async def test_too_many_of_them(self) -> None:
        self.configure(address_attempts=2)
        for _ in range(2):
            await self.assert_not_in(await self.http.get("/login/sso/callback?code=x"))
        answer = await self.sign_in()
        await self.assert_not_in(answer, "Too many attempts.")


class Unavailable(SingleSignOnTestCase):
    async def test_an_issuer_that_is_not_there_is_said(self) -> None:
        address = await self.go()
        self.settings = self.settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"})
        self.app.state.issuer = Issuer(self.settings)
        for path in ("/login/sso", address):
            async with self.nothing_changes():
                await self.assert_refused("is not responding", await self.http.get(path))
        self.assertEqual((await self.http.get("/health")).status_code, 200)
        self.assertEqual((await self.http.get("/ready")).status_code, 200)

    async def test_nor_one_that_calls_itself_something_else(self) -> None:
        self.issuer.metadata = {"issuer": "https://login.elsewhere.example"}
        await self.assert_refused("is not responding", await self.http.get("/login/sso"))
        self.issuer.metadata = {"issuer": None}
        self.configure()
        await self.assert_refused("is not responding", await self.http.get("/login/sso"))

    async def test_without_settings_there_is_none(self) -> None:
        self.app.state.issuer, self.app.state.settings = None, usual_settings()
        for path in ("/login/sso", "/login/sso/callback"):
            self.assertEqual((await self.http.get(path)).status_code, 404)
        self.assertNotIn("/login/sso", (await self.http.get("/login")).text)


class Only(SingleSignOnTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.configure(oidc_only=True)

    async def test_there_is_no_password_form(self) -> None:
        page = await self.http.get("/login", params={"next": "/tickets?q=a"})
        self.assertNotIn('name="password"', page.text)
        self.assertNotIn("/forgot", page.text)
        self.assertIn('href="/login/sso?next=/tickets%3Fq%3Da"', page.text)
        self.assertIn("Log in with Contoso ID", page.text)

    async def test_passwords_are_refused_at_page_and_api(self) -> None:
        credentials = {"email": self.ada.email, "password": PASSWORD}
        sentence = "Passwords are not used here. Log in with Contoso ID."
        async with self.nothing_changes():
            for path in ("/login", "/forgot", "/reset"):
                page = await self.http.post(path, data=credentials)
                self.assertEqual(page.status_code, 403)
                self.assertIn(sentence, page.text)
            for path, body in (("session", credentials), ("users", registration())):
                answer = await self.http.post(f"/api/{path}", json=body)
                self.assertIn(sentence, self.assert_problem(answer, 403, "passwords-off")["detail"])
        self.assertEqual(await self.sessions(), 0)


def _by_hand(claims: Claims, algorithm: str, key: bytes | None = None) -> str:
    """What no library would sign."""
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": "first"}, claims)]
    signed = b".".join(map(_encoded, parts))
    signature = hmac.digest(key, signed, "sha256") if key else b""
    return f"{signed.decode()}.{_encoded(signature).decode()}"


def _encoded(part: bytes) -> bytes:
    return urlsafe_b64encode(part).rstrip(b"=")
