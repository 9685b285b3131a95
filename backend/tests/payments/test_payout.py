"""Payout details as they are stored: encrypted, for their owner alone, and through a new key."""

import asyncio
import logging

from pydantic import SecretStr
from sqlalchemy import Row, select, text

from expenses.errors import Forbidden, NotFound, PayoutUnreadable
from expenses.payments import payout, rotation
from expenses.payments.models import Payout
from expenses.payments.payout import PayoutDetails
from expenses.settings import Settings
from expenses.users.queries import UserView
from tests.harness import SECRET_KEY, AppTestCase, CommittingTestCase, make_settings

IBAN = PayoutDetails("Ada Lovelace", "DE89370400440532013000", "COBADEFFXXX", None, None)
CARD = PayoutDetails("李雷", None, None, "6222021234567890123", "中国工商银行")
CHANGED = "user.payout_changed"
NEW_KEY = "another secret key, long enough to be one"


def settings_with(key: str, previous: str | None = None) -> Settings:
    return make_settings(
        secret_key=SecretStr(key), secret_key_previous=previous and SecretStr(previous)
    )


class PayoutTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada, self.ben = await self.new_employee("Ada"), await self.new_employee("Ben")

    async def set_payout(self, details: PayoutDetails, *, of: UserView) -> None:
        async with self.database.transaction() as connection:
            await payout.set_payout(connection, details, actor=of, settings=self.settings)

    async def details_of(
        self, *users: UserView, settings: Settings | None = None
    ) -> dict[int, PayoutDetails]:
        async with self.database.reading() as connection:
            return await payout.payout_details_of(
                connection, [user.id for user in users], settings or self.settings
            )

    async def rows(self) -> list[Row[Payout]]:
        async with self.database.reading() as connection:
            query = select(Payout).order_by(Payout.user_id)
            return list((await connection.execute(query)).all())

    async def run_sql(self, statement: str, **values: object) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(text(statement), values)


class Stored(PayoutTestCase):
    async def test_it_is_decrypted_for_a_bank_file_and_masked_elsewhere(self) -> None:
        for user, details, masked in (
            (self.ada, IBAN, "DE89 •••• 3000"),
            (self.ben, CARD, "•••• 0123"),
        ):
            await self.set_payout(details, of=user)
            event = await self.last_event()
            self.assertEqual(
                (event.action, event.actor_id, event.user_id, event.details),
                (CHANGED, user.id, user.id, {"payout": masked}),
            )
        other = await self.new_employee()
        self.assertEqual(
            await self.details_of(self.ada, self.ben, other), {self.ada.id: IBAN, self.ben.id: CARD}
        )
        async with self.database.reading() as connection:
            own = await payout.get_payout(connection, actor=self.ada)
            self.assertIsNone(await payout.get_payout(connection, actor=other))
        assert own is not None
        self.assertEqual(own.masked, "DE89 •••• 3000")

    async def test_a_short_account_number_shows_less(self) -> None:
        details = PayoutDetails("Ada", None, None, "12345678", "A bank")
        self.assertEqual(payout.masked(details), "•••• 78")

    async def test_nothing_of_it_is_readable_in_the_database_the_log_or_an_error(self) -> None:
        with self.assertLogs(level=logging.DEBUG) as log:
            for details in (IBAN, CARD):
                await self.set_payout(details, of=self.ada)
        self.assertIn(CHANGED, "".join(log.output))
        everything = "".join(map(repr, [*await self.rows(), *await self.events(), *log.output]))
        everything += repr([IBAN, CARD])
        for details in (IBAN, CARD):
            for secret in (details.iban, details.account, details.holder, details.bank):
                if secret is not None:
                    self.assertNotIn(secret, everything)

    async def test_a_change_replaces_it_and_the_same_again_is_no_event(self) -> None:
        await self.set_payout(IBAN, of=self.ada)
        await self.run_sql("UPDATE payout_details SET changed_at = now() - interval '2 days'")
        [before] = await self.rows()
        async with self.nothing_changes():
            await self.set_payout(IBAN, of=self.ada)
        self.assertEqual(await self.rows(), [before])
        await self.set_payout(CARD, of=self.ada)
        [after] = await self.rows()
        self.assertGreater(after.changed_at, before.changed_at)
        self.assertEqual(await self.details_of(self.ada), {self.ada.id: CARD})
        self.assertEqual(len(await self.events(CHANGED)), 2)

    async def test_it_is_removed_once(self) -> None:
        await self.set_payout(IBAN, of=self.ada)
        async with self.database.transaction() as connection:
            await payout.remove_payout(connection, actor=self.ada)
        self.assertEqual(await self.rows(), [])
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.user_id, event.details),
            ("user.payout_removed", self.ada.id, {"payout": "DE89 •••• 3000"}),
        )
        async with self.nothing_changes():
            with self.assertRaises(NotFound):
                async with self.database.transaction() as connection:
                    await payout.remove_payout(connection, actor=self.ada)

    async def test_employers_have_none(self) -> None:
        dana = await self.new_employer()
        async with self.nothing_changes():
            with self.assertRaises(Forbidden):
                await self.set_payout(IBAN, of=dana)
        self.assertEqual(await self.rows(), [])


class TamperedWith(PayoutTestCase):
    async def assert_unreadable(self, *names: str) -> None:
        with self.assertRaises(PayoutUnreadable) as refusal:
            await self.details_of(self.ada, self.ben)
        message = refusal.exception.message
        self.assertIn(f"details of {', '.join(names)} cannot", message)
        self.assertIn("SECRET_KEY_PREVIOUS", message)
        self.assertNotIn("DE89", message)

    async def test_a_changed_byte_is_noticed(self) -> None:
        await self.set_payout(IBAN, of=self.ada)
        await self.set_payout(CARD, of=self.ben)
        await self.run_sql(
            "UPDATE payout_details SET encrypted = set_byte(encrypted, 60, "
            "get_byte(encrypted, 60) # 1) WHERE user_id = :id",
            id=self.ben.id,
        )
        await self.assert_unreadable("Ben")
        await self.run_sql("UPDATE payout_details SET encrypted = ''")
        await self.assert_unreadable("Ada", "Ben")

    async def test_what_is_copied_from_another_user_is_noticed(self) -> None:
        await self.set_payout(IBAN, of=self.ada)
        await self.set_payout(CARD, of=self.ben)
        await self.run_sql(
            "UPDATE payout_details SET encrypted = (SELECT encrypted FROM payout_details "
            "WHERE user_id = :ben) WHERE user_id = :ada",
            ada=self.ada.id,
            ben=self.ben.id,
        )
        await self.assert_unreadable("Ada")

    async def test_it_can_be_entered_again(self) -> None:
        await self.set_payout(IBAN, of=self.ada)
        await self.run_sql("UPDATE payout_details SET encrypted = 'x'")
        await self.set_payout(IBAN, of=self.ada)
        self.assertEqual(await self.details_of(self.ada), {self.ada.id: IBAN})
        self.assertEqual(len(await self.events(CHANGED)), 2)


class NewKey(PayoutTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        await self.set_payout(IBAN, of=self.ada)
        self.rotating = settings_with(NEW_KEY, SECRET_KEY)

    async def condition(self, settings: Settings) -> tuple[int, ...]:
        async with self.database.reading() as connection:
            return await rotation.condition(connection, settings)

    async def encrypt_again(self, settings: Settings) -> int:
        async with self.database.transaction() as connection:
            return await rotation.encrypt_again(connection, settings)

    async def test_the_previous_key_still_decrypts_until_all_is_encrypted_again(self) -> None:
        new = settings_with(NEW_KEY)
        self.assertEqual(await self.condition(self.settings), (1, 0, 0))
        self.assertEqual(await self.condition(new), (1, 0, 1))
        with self.assertRaises(PayoutUnreadable):
            await self.details_of(self.ada, settings=new)
        self.assertEqual(
            await self.details_of(self.ada, settings=self.rotating), {self.ada.id: IBAN}
        )
        self.assertEqual(await self.condition(self.rotating), (1, 1, 0))
        async with self.nothing_changes():
            self.assertEqual(await self.encrypt_again(self.rotating), 1)
            self.assertEqual(await self.encrypt_again(self.rotating), 0)
        self.assertEqual(await self.condition(new), (1, 0, 0))
        self.assertEqual(await self.details_of(self.ada, settings=new), {self.ada.id: IBAN})

    async def test_what_is_new_needs_the_new_key_alone(self) -> None:
        self.settings = self.rotating
        await self.set_payout(CARD, of=self.ben)
        new = settings_with(NEW_KEY)
        self.assertEqual(await self.details_of(self.ben, settings=new), {self.ben.id: CARD})
        self.assertEqual(await self.condition(new), (2, 0, 1))

    async def test_what_cannot_be_decrypted_stays_as_it_is(self) -> None:
        before = await self.rows()
        other = settings_with(NEW_KEY, NEW_KEY[::-1])
        self.assertEqual(await self.encrypt_again(other), 0)
        self.assertEqual(await self.rows(), before)


class AtOnce(CommittingTestCase):
    async def test_the_last_one_counts_and_each_has_its_event(self) -> None:
        ada = await self.new_employee()

        async def set_payout(details: PayoutDetails) -> None:
            async with self.database.transaction() as connection:
                await payout.set_payout(connection, details, actor=ada, settings=self.settings)

        await asyncio.gather(*(set_payout(details) for details in (IBAN, CARD)))
        events = await self.events(CHANGED)
        async with self.database.reading() as connection:
            found = await payout.payout_details_of(connection, [ada.id], self.settings)
        self.assertEqual(len(events), 2)
        self.assertEqual(payout.masked(found[ada.id]), events[-1].details["payout"])
