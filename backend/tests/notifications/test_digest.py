"""What employers are told is waiting: one mail a day each, if any."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import text

from expenses.database.engine import Database
from expenses.notifications.digest import write_digests
from expenses.notifications.outbox import Channel
from expenses.users import account
from tests.harness import CommittingTestCase
from tests.notifications.test_delivery import SITE, MailTestCase
from tests.receivers import words_of

MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


async def write(database: Database, at: datetime = MORNING) -> int:
    async with database.transaction() as connection:
        return await write_digests(connection, at=at)


class Digests(MailTestCase):
    async def test_each_employer_gets_one_a_day(self) -> None:
        omar = await self.new_employer("Omar")
        for hours, expected in ((0, 2), (1, 0), (15, 0), (24, 2), (25, 0)):
            self.assertEqual(await write(self.database, MORNING + timedelta(hours=hours)), expected)
        await self.send_mails()
        recipients = sorted(mail["To"].addresses[0].addr_spec for mail in self.mail_box.mails)
        self.assertEqual(recipients, sorted([self.dana.email, omar.email] * 2))

    async def test_nobody_is_woken_at_night(self) -> None:
        for hour in range(8):
            self.assertEqual(await write(self.database, MORNING.replace(hour=hour)), 0)
        self.assertEqual(await write(self.database), 1)

    async def test_the_night_and_the_day_are_those_of_the_company(self) -> None:
        zone = ZoneInfo("Pacific/Auckland")
        # At 19:30 in London it is 8:30 of the next day there.
        evening = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
        self.assertEqual(await write(self.database, evening.astimezone(zone)), 1)
        self.assertEqual(await write(self.database, MORNING.astimezone(zone)), 0)

    async def test_it_says_how_many_how_much_and_since_when(self) -> None:
        await self.new_ticket(self.ada, amount="100.00")
        await self.new_ticket(self.ada, amount="7.00", currency="EUR")
        await self.approve(await self.new_ticket(self.ada, amount="5000.00"), by=self.dana)
        async with self.database.transaction() as connection:
            await connection.execute(
                text(
                    "UPDATE tickets SET created_at = '2026-10-01 10:15Z', spent_on = '2026-10-01'"
                    " WHERE id = :id"
                ),
                {"id": self.ticket_id},
            )
        await write(self.database)
        await self.send_mails()
        # The other one is Ada's, of the decision.
        [mail] = [mail for mail in self.mail_box.mails if "Dana" in mail["To"]]
        content = words_of(mail)
        self.assertEqual(mail["Subject"], "3 tickets are waiting for a decision")
        self.assertIn("Hello Dana,\n\n3 tickets are waiting for a decision\n", content)
        self.assertIn("    €7.00\n    $112.50\n", content)
        self.assertRegex(content, r"The oldest was filed on .*2026.*\.")
        self.assertIn(f"\n{SITE}/admin/ticket/list\n", content)
        self.assertIn(f"{SITE}/mails/off?token=", content)
        self.assertEqual(mail["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click")

    async def test_one_is_one(self) -> None:
        await write(self.database)
        await self.send_mails()
        self.assertEqual(self.the_mail()[0]["Subject"], "1 ticket is waiting for a decision")

    async def test_it_is_written_in_the_employers_language(self) -> None:
        browser = await self.browser_of(self.dana)
        await browser.post("/language", data={"language": "zh_Hans_CN"})
        await write(self.database)
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Subject"], "有 1 张报销单等待处理")
        self.assertIn("Dana，您好：", content)

    async def test_where_nothing_is_waiting_there_is_none_that_day(self) -> None:
        await self.withdraw(self.ticket_id, by=self.ada)
        self.assertEqual(await write(self.database), 0)
        await self.new_ticket(self.ada)
        self.assertEqual(await write(self.database, MORNING + timedelta(hours=2)), 0)
        self.assertEqual(await write(self.database, MORNING + timedelta(days=1)), 1)

    async def test_tickets_of_the_suspended_do_not_wait(self) -> None:
        await self.suspend(self.ada, by=self.dana)
        self.assertEqual(await write(self.database), 0)

    async def test_whoever_has_switched_mails_off_gets_none(self) -> None:
        await self.new_employer("Omar")
        async with self.database.transaction() as connection:
            await account.switch_mails(connection, on=False, actor=self.dana)
        self.assertEqual(await write(self.database), 1)
        await self.send_mails()
        self.assertIn("Hello Omar,", words_of(self.mail_box.mails[0]))

    async def test_whoever_switches_them_off_before_it_is_sent_gets_none(self) -> None:
        await write(self.database)
        async with self.database.transaction() as connection:
            await account.switch_mails(connection, on=False, actor=self.dana)
        await self.send_mails()
        self.assertEqual((self.mail_box.mails, await self.messages()), ([], []))

    async def test_nothing_of_it_is_history(self) -> None:
        before = await self.events()
        await write(self.database)
        self.assertEqual(len(await self.events()), len(before))

    async def test_more_than_anybody_counts_are_at_least_so_many(self) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                text(
                    "INSERT INTO tickets (owner_id, spent_on, amount, currency, category,"
                    " description) SELECT :owner, now(), 1, 'USD', 'meals', 'Lunch'"
                    " FROM generate_series(1, 10000)"
                ),
                {"owner": self.ada.id},
            )
        await write(self.database)
        await self.send_mails()
        mail, content = self.the_mail()
        self.assertEqual(mail["Subject"], "10,000+ tickets are waiting for a decision")
        self.assertNotIn("$", content)


class AtOnce(CommittingTestCase):
    async def test_of_several_processes_one_writes_them(self) -> None:
        for name in ("Dana", "Omar", "Priya"):
            await self.new_employer(name)
        await self.new_ticket(await self.new_employee())
        databases = [
            await self.enterAsyncContext(Database(self._address, channels=[Channel.MAIL]))
            for _ in range(4)
        ]
        for day in range(3):
            at = MORNING + timedelta(days=day)
            written = await asyncio.gather(*(write(database, at) for database in databases))
            self.assertEqual(sorted(written), [0, 0, 0, 3])
