"""Who is who: e-mails in any case and script, usernames that look alike, names one can see."""

# ruff: noqa: RUF001, since confusing characters are what this is about.

import unicodedata

from sqlalchemy import update

from expenses.users.models import user_table
from expenses.users.passwords import context
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, registration, ticket_json

ACCENTED = "crème brûlée 9"


class Emails(AppTestCase):
    async def test_one_identity_whatever_the_case(self) -> None:
        for first, second in (
            ("zoë@contoso.example", "ZOË@contoso.example"),
            ("straße@contoso.example", "STRASSE@CONTOSO.EXAMPLE"),
            ("irmak@contoso.example", "IRMAK@contoso.example"),
            ("ırmaksu@contoso.example", "IRMAKSU@contoso.example"),
            ("İnan@contoso.example", "inan@contoso.example"),
            ("σοφίας@contoso.example", "ΣΟΦΊΑΣ@contoso.example"),
            ("ada+travel@bücher.example", "ADA+TRAVEL@BÜCHER.example"),
        ):
            with self.subTest(first):
                api = await self.client()
                answer = await api.post(
                    "/api/users", json=registration(email=first, username=first)
                )
                self.assertEqual(answer.status_code, 201, answer.text)
                async with self.nothing_changes():
                    answer = await api.post("/api/users", json=registration(email=second))
                self.assert_problem(answer, 409, "email-taken")
                credentials = {"email": second, "password": PASSWORD}
                self.assertEqual(
                    (await api.post("/api/session", json=credentials)).status_code, 200
                )

    async def test_they_are_trimmed_and_full_width_ones_are_plain(self) -> None:
        api = await self.client()
        await api.post("/api/users", json=registration(email="  ａｄａ＠contoso.example \u3000"))
        answer = await api.post(
            "/api/session", json={"email": "ada@contoso.example", "password": PASSWORD}
        )
        self.assertEqual(answer.json()["user"]["email"], "ada@contoso.example")

    async def test_what_follows_a_plus_is_somebody_else(self) -> None:
        api = await self.client()
        for email, name in (("ada@contoso.example", "Ada"), ("ada+2@contoso.example", "Ben")):
            answer = await api.post("/api/users", json=registration(email=email, username=name))
            self.assertEqual((answer.status_code, answer.json()["user"]["email"]), (201, email))

    async def test_users_of_before_log_in_as_they_did(self) -> None:
        ada = await self.new_employee()
        async with self.database.transaction() as connection:
            await connection.execute(
                update(user_table).values(email_identity=None, username_skeleton=None)
            )
        answer = await (await self.client()).post(
            "/api/session", json={"email": ada.email.upper(), "password": PASSWORD}
        )
        self.assertEqual(answer.status_code, 200)


class Usernames(AppTestCase):
    async def test_one_that_looks_like_anothers_is_refused(self) -> None:
        await self.new_employer("Dana Whitfield")
        api = await self.client()
        for name in (
            "Dana Whitfield",
            "DANA WHITFIELD",
            "Dаna Whitfield",
            "Ｄａｎａ Whitfield",
            "Dana  Whitfie\u200bld",
            "Dana WhitfieId",
        ):
            with self.subTest(name):
                async with self.nothing_changes():
                    answer = await api.post("/api/users", json=registration(username=name))
                body = self.assert_problem(answer, 409, "username-taken")
                self.assertIn("looks just like it", body["detail"])

    async def test_names_that_can_be_told_apart_are_fine(self) -> None:
        api = await self.client()
        for number, name in enumerate(("Zoe", "Zoë", "李娜", "李那", "عمر", "Dana 1", "Dana 2")):
            answer = await api.post(
                "/api/users", json=registration(email=f"p{number}@contoso.example", username=name)
            )
            self.assertEqual(answer.status_code, 201, answer.text)

    async def test_one_is_not_renamed_to_look_like_another(self) -> None:
        await self.new_employer("Dana")
        ada = await self.new_employee("Ada")
        api, browser = await self.program_of(ada), await self.browser_of(ada)
        async with self.nothing_changes():
            answer = await api.patch("/api/me", json={"username": "Dаna"})
            page = await browser.post("/account/username", data={"username": "Dаna"})
        self.assert_problem(answer, 409, "username-taken")
        self.assertEqual(page.status_code, 409)
        self.assertIn("looks just like it", page.text)
        self.assertEqual((await api.patch("/api/me", json={"username": "ADA"})).status_code, 200)

    async def test_people_see_something_of_a_name(self) -> None:
        api = await self.client()
        for name in ("\u200b", "\u3164", "\u2800", "\u00ad\u2060", "\U000e0041", "\u202enaD"):
            with self.subTest(name=ascii(name)):
                async with self.nothing_changes():
                    answer = await api.post("/api/users", json=registration(username=name))
                body = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in body["errors"]], ["username"])


class SameName(CommittingTestCase):
    async def test_the_form_keeps_what_was_typed(self) -> None:
        await self.new_employer("Dana")
        browser = await self.client()
        await browser.post("/login", data={"email": "new@contoso.example", "password": PASSWORD})
        form = {"username": "DANA", "role": "employee"}
        async with self.nothing_changes():
            page = await browser.post("/register", data=form)
        self.assertEqual(page.status_code, 409)
        self.assertIn('value="DANA"', page.text)
        form["username"] = "Dana Berg"
        self.assertEqual((await browser.post("/register", data=form)).status_code, 303)


class Text(AppTestCase):
    async def test_descriptions_and_reasons_need_something_to_see(self) -> None:
        ada, dana = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        employee, employer = await self.program_of(ada), await self.program_of(dana)
        for unseen in ("\u200b", "\u3164\u2800", "\n\ufeff\n"):
            async with self.nothing_changes():
                for answer in (
                    await employee.post("/api/tickets", json=ticket_json(description=unseen)),
                    await employer.post(f"/api/tickets/{ticket}/deny", json={"reason": unseen}),
                    await employer.post(
                        f"/api/employees/{ada.id}/suspend", json={"reason": unseen}
                    ),
                ):
                    self.assert_problem(answer, 422, "invalid-input")

    async def test_it_is_composed_wherever_it_comes_in(self) -> None:
        ada = await self.new_employee()
        api = await self.program_of(ada)
        decomposed = unicodedata.normalize("NFD", "Café Zoë")
        answer = await api.post("/api/tickets", json=ticket_json(description=decomposed))
        self.assertEqual(answer.json()["description"], "Café Zoë")
        found = await api.get("/api/tickets", params={"q": decomposed})
        self.assertEqual(len(found.json()["items"]), 1)
        renamed = await api.patch("/api/me", json={"username": decomposed})
        self.assertEqual(renamed.json()["username"], "Café Zoë")

    async def test_a_password_is_one_however_its_accents_are_typed(self) -> None:
        api = await self.client()
        composed, decomposed = (unicodedata.normalize(form, ACCENTED) for form in ("NFC", "NFD"))
        await api.post("/api/users", json=registration(password=decomposed))
        for typed in (composed, decomposed):
            answer = await api.post("/api/session", json=self.credentials(typed))
            self.assertEqual(answer.status_code, 200)

    async def test_hashes_of_before_still_log_in_and_are_renewed(self) -> None:
        composed, decomposed = (unicodedata.normalize(form, ACCENTED) for form in ("NFC", "NFD"))
        api = await self.client()
        await api.post("/api/users", json=registration())
        async with self.database.transaction() as connection:
            await connection.execute(
                update(user_table).values(password_hash=context.hash(decomposed))
            )
        for typed, status in ((composed, 401), (decomposed, 200), (composed, 200)):
            answer = await api.post("/api/session", json=self.credentials(typed))
            self.assertEqual(answer.status_code, status)

    def credentials(self, password: str) -> dict[str, str]:
        return {"email": "ada@contoso.example", "password": password}
