"""A new SECRET_KEY on the command line, as doctor and `encrypt-again` see it."""

import asyncio

from pydantic import SecretStr

from expenses.database.engine import Database
from expenses.payments.payout import set_payout
from expenses.users.models import Role
from expenses.users.registration import register
from tests.command_line import CommandLineTestCase, Ended
from tests.harness import make_settings, new_database
from tests.payments.test_payout import IBAN

OLD, NEW = "k3Vt9qLw2ZxP7rBnY5mC8dJfH1sG4aQe-old", "Zt8vQ1nXw5Lr7KbJ3mYc9DfGh2Sa6PeU-new"


async def store_payout(address: str) -> None:
    settings = make_settings(secret_key=SecretStr(OLD))
    async with Database(address) as database, database.transaction() as connection:
        ada = await register(
            connection,
            email="ada@contoso.example",
            password_hash="no password",
            username="Ada",
            role=Role.EMPLOYEE,
            employer_code=None,
            settings=settings,
        )
        await set_payout(connection, IBAN, actor=ada, settings=settings)


class NewKey(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = new_database()
        asyncio.run(store_payout(self.url))

    def run_with(self, command: str, key: str, previous: str = "") -> Ended:
        keys = {"SECRET_KEY": key, "SECRET_KEY_PREVIOUS": previous}
        ended = self.run_command(command, DATABASE_URL=self.url, **keys)
        for secret in (OLD, NEW, IBAN.iban):
            self.assertNotIn(str(secret), ended.stdout + ended.stderr)
        return ended

    def assert_found(self, level: str, sentence: str, key: str, previous: str = "") -> None:
        ended = self.run_with("doctor", key, previous)
        [line] = [line for line in ended.stdout.splitlines() if sentence in line]
        self.assertTrue(line.startswith(level), line)
        self.assertEqual(ended.status, 1 if level == "problem" else 0, ended.stdout)

    def test_from_the_old_key_to_the_new_one(self) -> None:
        self.assert_found("ok", "All stored payout details (1) can be decrypted", OLD)
        self.assert_found("problem", "1 cannot be decrypted", NEW)
        self.assert_found("warning", "Run `expenses encrypt-again`", NEW, OLD)
        ended = self.run_with("encrypt-again", NEW, OLD)
        self.assertEqual(
            (ended.status, ended.stdout), (0, "Payout details encrypted with the new key: 1.\n")
        )
        self.assert_found("ok", "SECRET_KEY_PREVIOUS is no longer needed", NEW, OLD)
        self.assert_found("ok", "All stored payout details (1) can be decrypted", NEW)
        self.assertIn("new key: 0.", self.run_with("encrypt-again", NEW, OLD).stdout)

    def test_without_a_key_it_is_asked_for(self) -> None:
        ended = self.run_with("encrypt-again", "")
        self.assert_refused(ended, "SECRET_KEY", "openssl rand")
