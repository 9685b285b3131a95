"""Trying to change the history, and finding out whether that is refused."""

from sqlalchemy import text

from expenses.database.append_only import possible_changes
from expenses.database.engine import Database
from tests.harness import CommittingTestCase, as_role, new_role

NEW_IDS = (-1, -2, -3)


class PossibleChanges(CommittingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.role = new_role()

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        await self.new_ticket(await self.new_employee())

    async def execute(self, *statements: str) -> None:
        async with self.database.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    async def assert_possible(self, *kinds: str, address: str | None = None) -> None:
        async with (
            self.nothing_changes(),
            Database(address or self._address) as database,
            database.engine.connect() as connection,
        ):
            self.assertEqual(await possible_changes(connection, NEW_IDS), [*kinds])

    async def test_none_are(self) -> None:
        await self.assert_possible()

    async def test_of_an_account_an_event_may_only_lose_details(self) -> None:
        of = "WHERE action = 'user.registered'"
        for change in (
            f'SET details = details || \'{{"role": "employer"}}\' {of}',
            f"SET details = details || '{{\"more\": 1}}' {of}",
            f"SET details = '{{}}', at = now() {of}",
            f"SET at = now() {of}",
            "SET details = '{}' WHERE action = 'ticket.created'",
        ):
            async with self.nothing_changes():
                with self.subTest(change), self.assertRaisesRegex(Exception, "append-only"):
                    await self.execute(f"UPDATE events {change}")
        await self.execute(f"UPDATE events SET details = '{{}}' {of}")
        self.assertEqual([event.details for event in await self.events("user.registered")], [{}])

    async def test_none_are_without_an_event(self) -> None:
        await self.execute(
            "ALTER TABLE events DISABLE TRIGGER USER",
            "TRUNCATE events",
            "ALTER TABLE events ENABLE TRIGGER USER",
        )
        await self.assert_possible()

    async def test_a_missing_trigger_is_noticed(self) -> None:
        await self.execute("DROP TRIGGER events_append_only ON events")
        await self.assert_possible("UPDATE", "DELETE")

    async def test_so_is_one_that_leaves_truncating(self) -> None:
        await self.execute("DROP TRIGGER events_kept_whole ON events")
        await self.assert_possible("TRUNCATE")

    async def test_one_event_that_can_be_changed_is_enough(self) -> None:
        """As where one shard has lost its trigger."""
        await self.execute(
            "DROP TRIGGER events_append_only ON events",
            "CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW"
            " WHEN (old.id <> -2) EXECUTE FUNCTION refuse_changes_of_history()",
        )
        await self.assert_possible("UPDATE", "DELETE")

    async def test_a_role_without_the_right_cannot_either(self) -> None:
        await self.execute(
            "DROP TRIGGER events_append_only ON events",
            "DROP TRIGGER events_kept_whole ON events",
            f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {self.role}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {self.role}",
        )
        await self.assert_possible(address=as_role(self.role, self._address))

    async def test_a_refusal_for_another_reason_is_none(self) -> None:
        await self.execute(
            "CREATE OR REPLACE FUNCTION refuse_changes_of_history() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN PERFORM 1 / 0; END'"
        )
        with self.assertRaisesRegex(Exception, "division by zero"):
            await self.assert_possible()
