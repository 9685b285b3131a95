"""Payout details through the API: masked on the way out, and changed with the password alone."""

from typing import Any

from expenses.users.queries import UserView
from tests.harness import PASSWORD, AppTestCase

PAYOUT = "/api/me/payout"
IBAN = {"holder": "Ada Lovelace", "iban": "de89 3704 0044 0532 0130 00", "bic": "cobadeffxxx"}
CARD = {"holder": "李雷", "account": "6222 0212 3456 7890 123", "bank": "中国工商银行"}


class PayoutTestCase(AppTestCase):
    ada: UserView

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.api = await self.program_of(self.ada)

    async def put(self, body: dict[str, Any], password: str = PASSWORD) -> Any:
        return await self.api.put(PAYOUT, json=body | {"password": password})


class Change(PayoutTestCase):
    async def test_they_are_kept_and_shown_masked(self) -> None:
        self.assert_problem(await self.api.get(PAYOUT), 404, "not-found")
        other = await self.program_of(self.ada)
        for body, masked in ((IBAN, "DE89 •••• 3000"), (CARD, "•••• 0123")):
            answer = await self.put(body)
            self.assertEqual((answer.status_code, answer.json()["masked"]), (200, masked))
            self.assertEqual((await other.get(PAYOUT)).json(), answer.json())
            event = await self.last_event()
            self.assertEqual(
                (event.action, event.actor_id, event.user_id, event.details),
                ("user.payout_changed", self.ada.id, self.ada.id, {"payout": masked}),
            )

    async def test_what_is_wrong_is_named_with_the_reason(self) -> None:
        for body, field, reason in (
            ({}, "holder", "Required."),
            (IBAN | {"holder": " "}, "holder", "Required."),
            ({"holder": "Ada"}, "iban", "Enter an IBAN"),
            (IBAN | {"iban": "DE88370400440532013000"}, "iban", "check digits"),
            (IBAN | {"iban": "DE8937040044053201300"}, "iban", "too short or too long"),
            (IBAN | {"iban": "US89370400440532013000"}, "iban", "No country"),
            (IBAN | {"iban": "my account"}, "iban", "such as DE89"),
            (IBAN | {"iban": "1" * 5000}, "iban", "such as DE89"),
            (IBAN | {"iban": 3}, "iban", "Use text."),
            (IBAN | {"bic": "COBA"}, "bic", "8 or 11"),
            (IBAN | {"bic": "COBAXXFF"}, "bic", "No country"),
            (IBAN | {"account": "12345678"}, "account", "not both"),
            (IBAN | {"bank": "A bank"}, "bank", "not both"),
            (CARD | {"bank": ""}, "bank", "the bank"),
            (CARD | {"bic": "COBADEFF"}, "bic", "goes with an IBAN"),
            (CARD | {"account": "12 34"}, "account", "5 to 34"),
            (CARD | {"number": "1"}, "number", "unknown"),
        ):
            with self.subTest(body=body):
                async with self.nothing_changes():
                    answer = await self.put(body)
                [error] = self.assert_problem(answer, 422, "invalid-input")["errors"]
                self.assertEqual(error["field"], field)
                self.assertIn(reason, error["message"])
        self.assert_problem(await self.api.get(PAYOUT), 404, "not-found")

    async def test_a_wrong_password_changes_nothing_and_is_counted(self) -> None:
        await self.put(IBAN)
        async with self.nothing_changes():
            for _ in range(10):
                answer = await self.put(CARD, "wrong wrong")
                [error] = self.assert_problem(answer, 422, "invalid-input")["errors"]
                self.assertEqual(error["field"], "password")
            answer = await self.put(CARD)
            self.assert_problem(answer, 429, "too-many-attempts")
        self.assertIn("retry-after", answer.headers)
        self.assertEqual((await self.api.get(PAYOUT)).json()["masked"], "DE89 •••• 3000")

    async def test_the_right_password_is_not_counted(self) -> None:
        for number in range(12):
            answer = await self.put(CARD | {"account": f"12345{number:03}"})
            self.assertEqual(answer.status_code, 200)


class Remove(PayoutTestCase):
    async def test_they_are_gone(self) -> None:
        await self.put(IBAN)
        self.assertEqual((await self.api.delete(PAYOUT)).status_code, 204)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.user_id, event.details),
            ("user.payout_removed", self.ada.id, {"payout": "DE89 •••• 3000"}),
        )
        async with self.nothing_changes():
            for answer in (await self.api.get(PAYOUT), await self.api.delete(PAYOUT)):
                self.assert_problem(answer, 404, "not-found")


class Employers(AppTestCase):
    async def test_are_not_paid(self) -> None:
        api = await self.program_of(await self.new_employer())
        async with self.nothing_changes():
            for answer in (
                await api.get(PAYOUT),
                await api.put(PAYOUT, json=IBAN | {"password": PASSWORD}),
                await api.delete(PAYOUT),
            ):
                self.assert_problem(answer, 403, "forbidden")
