"""A database spread over several machines, as far as that can be told without Citus.

What would be sent is compared with the real catalogue, and what any PostgreSQL understands of it is
carried out. `StandInForCitus` has functions of Citus' names that only write down their calls: it
shows the order of the steps and that they go on after an end halfway, and nothing of Citus itself.
"""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

from benchmarks.fill import connected
from expenses.database.citus import distribute
from expenses.database.distribution import (
    DISTRIBUTED_BY,
    NO_SUMS,
    PREREQUISITES,
    TABLE_TYPES,
    TRIGGERS,
    Catalog,
    TableType,
    steps,
)
from expenses.database.tables import Base
from expenses.errors import CannotStart
from tests.command_line import CommandLineTestCase, execute
from tests.harness import as_role, empty_database, new_database, new_role

KEYS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND connamespace = 'public'::regnamespace ORDER BY 1, 2
"""
TRIGGERS_OF_ALL = """
SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1
"""
UNIQUE_INDEXES = """
SELECT indexrelid::regclass::text, indrelid::regclass::text,
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY(indkey))
FROM pg_index WHERE (indisunique OR indisexclusion)
    AND indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""
COLUMNS = """
SELECT table_name::text, column_name::text, is_nullable::text, is_identity::text,
    column_default::text, data_type::text
FROM information_schema.columns WHERE table_schema = 'public'
"""
# With foreign keys that change when the tables are distributed.
KEYED = (
    "email_changes",
    "idempotency_keys",
    "import_headings",
    "invitations",
    "known_programs",
    "linked_accounts",
    "passkey_challenges",
    "passkeys",
    "password_resets",
    "payment_runs",
    "payout_details",
    "pending_log_ins",
    "recovery_codes",
    "saved_filters",
    "sessions",
    "tickets",
    "tokens",
    "events",
    "payment_lines",
    "receipts",
)
# Those that are not kept: the ticket may be on another node, and Citus would not let the run change
# once it has read all shards.
LOST = {
    "events": "fk_events_ticket_id_tickets",
    "receipts": "fk_receipts_ticket_id_tickets",
    "payment_lines": "fk_payment_lines_run_id_payment_runs",
}
# Of tickets; it goes when they are distributed.
NOTING = "tickets_note_change"
# Whatever an index computes with that PostgreSQL does not bring along.
NEEDS = """
SELECT DISTINCT pg_describe_object(refclassid, refobjid, 0)
FROM pg_depend JOIN pg_class ON pg_class.oid = objid
WHERE classid = 'pg_class'::regclass AND relkind = 'i' AND refobjid >= 16384
    AND refclassid IN ('pg_proc'::regclass, 'pg_opclass'::regclass)
"""
STAND_IN = """
SET allow_system_table_mods = on;
INSERT INTO pg_extension VALUES (99999, 'citus', 10, 2200, false, '0', NULL, NULL);
CREATE TABLE calls (number serial, call text);
CREATE TABLE refusals (call text);
CREATE TABLE citus_tables (table_name regclass, citus_table_type text);
CREATE TABLE pg_dist_node (isactive bool, noderole text, shouldhaveshards bool, groupid int);
CREATE FUNCTION note(noted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM refusals WHERE call = noted) THEN
        RAISE 'the stand-in does not want to';
    END IF;
    IF EXISTS (SELECT FROM refusals WHERE call = 'slow ' || noted) THEN
        PERFORM pg_sleep(60);
    END IF;
    INSERT INTO calls (call) VALUES (noted);
END $$;
CREATE FUNCTION ensure_bare(spread regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND spread IN (conrelid, confrelid))
        OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = spread)
    THEN
        RAISE '% has foreign keys or triggers', spread;
    END IF;
END $$;
CREATE FUNCTION create_reference_table(spread regclass) RETURNS void LANGUAGE sql AS $$
    SELECT ensure_bare(spread), note(spread::text);
    INSERT INTO citus_tables VALUES (spread, 'reference');
$$;
CREATE FUNCTION create_distributed_table(spread regclass, by text) RETURNS void
LANGUAGE sql AS $$
    SELECT ensure_bare(spread), note(spread || ' by ' || by);
    INSERT INTO citus_tables VALUES (spread, 'distributed');
$$;
CREATE FUNCTION create_distributed_function(spread regprocedure) RETURNS void
LANGUAGE sql AS $$ SELECT note(spread::text) $$;
CREATE FUNCTION get_shard_id_for_distribution_column(spread regclass, id bigint) RETURNS bigint
LANGUAGE sql AS $$ SELECT abs(id) % 4 $$;
CREATE FUNCTION truncate_local_data_after_distributing_table(spread regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM note(spread || ' cleared');
    EXECUTE format('TRUNCATE %s', spread);
END $$;
"""


class DistributionTestCase(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = new_database()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return asyncio.run(execute(self.url, statement))

    def values(self, statement: str) -> list[Any]:
        return [value for [value] in self.rows(statement)]


class Schema(DistributionTestCase):
    """What Citus asks of tables."""

    def test_every_table_has_a_type(self) -> None:
        self.assertEqual(Base.metadata.tables.keys() - TABLE_TYPES.keys(), set())
        tables = self.values(
            "SELECT relname FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        self.assertEqual(set(tables), TABLE_TYPES.keys())

    def test_a_unique_index_on_a_split_table_has_its_column(self) -> None:
        found = 0
        for index, table, columns in self.rows(UNIQUE_INDEXES):
            if TABLE_TYPES[table] is TableType.DISTRIBUTED:
                found += 1
                self.assertIn(DISTRIBUTED_BY, columns, index)
        self.assertGreaterEqual(found, 2)

    def test_ids_are_never_null_and_come_from_sequences(self) -> None:
        for table, column, nullable, identity, default, kind in self.rows(COLUMNS):
            self.assertEqual(identity, "NO", f"{table}.{column}")
            if TABLE_TYPES[table] is TableType.DISTRIBUTED and column == DISTRIBUTED_BY:
                self.assertEqual(
                    (nullable, default, kind),
                    ("NO", f"nextval('{table}_id_seq'::regclass)", "bigint"),
                )

    def test_every_node_is_given_what_indexes_compute_with(self) -> None:
        needs = set(self.values(NEEDS))
        self.assertEqual(
            needs,
            {
                "function folded(text)",
                "function link_keys(text[])",
                "function ticket_text(text,text,text[])",
                "operator class gin_trgm_ops for access method gin",
            },
        )
        self.assertIn("ticket_text(text, text, text[])", PREREQUISITES[1])
        self.assertIn("folded(text)", PREREQUISITES[2])
        # `link_keys` calls `link_key`, so that one has to be there before.
        self.assertIn("link_key(text)", PREREQUISITES[3])
        self.assertIn("link_keys(text[])", PREREQUISITES[4])
        self.assertIn("pg_trgm", PREREQUISITES[0])

    def test_no_trigger_but_those_of_the_history(self) -> None:
        """The one of tickets goes; payment runs are not distributed, and so keep theirs."""
        tables = self.values(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
            " ORDER BY 1"
        )
        self.assertEqual(tables, ["events", "payment_lines", "payment_runs", "tickets"])

    def test_what_is_changed_along_with_other_things_is_in_one_place(self) -> None:
        """A change of a reference table locks it as a whole until its transaction ends."""
        copied = [name for name, kind in TABLE_TYPES.items() if kind is TableType.REFERENCE]
        self.assertEqual(copied, ["users"])


class Statements(DistributionTestCase):
    """What is sent to a database that nothing was done to yet."""

    def catalog(self) -> Catalog:
        tables = frozenset(TABLE_TYPES)
        keys = frozenset((table, name) for table, name, _ in self.rows(KEYS))
        return Catalog(
            filled=tables,
            distributed=frozenset(),
            foreign_keys=keys,
            triggers=frozenset(TRIGGERS),
            keeps_sums=True,
        )

    def test_they_come_in_this_order(self) -> None:
        sent = [step.statement for step in steps(self.catalog(), Base.metadata)]
        kinds = [statement.split("(")[0].split(" fk_")[0] for statement in sent]
        self.assertEqual(
            list(dict.fromkeys(kinds)),
            [
                *(f"DROP TRIGGER {name} ON events" for name in TRIGGERS),
                "DROP TRIGGER IF EXISTS tickets_note_change ON tickets",
                *(f"ALTER TABLE {table} DROP CONSTRAINT" for table in KEYED),
                "CREATE EXTENSION IF NOT EXISTS pg_trgm",
                "SELECT create_distributed_function",
                "SELECT create_reference_table",
                "SELECT create_distributed_table",
                "SELECT truncate_local_data_after_distributing_table",
                *(f"ALTER TABLE {table} ADD CONSTRAINT" for table in KEYED),
                *(
                    f"ANALYZE {table}"
                    for table, place in TABLE_TYPES.items()
                    if place is not TableType.LOCAL
                ),
                *(statement.split("(")[0] for statement in NO_SUMS),
                *(
                    f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION refuse_changes_of_history"
                    for name, event in TRIGGERS.items()
                ),
            ],
        )
        for statement in (
            "SELECT create_reference_table('users')",
            "SELECT create_distributed_table('tickets', 'id')",
            "SELECT create_distributed_table('events', 'id')",
        ):
            self.assertEqual(sent.count(statement), 1)

    def test_an_empty_table_leaves_nothing_to_clear(self) -> None:
        sent = " ".join(
            step.statement
            for step in steps(replace(self.catalog(), filled=frozenset()), Base.metadata)
        )
        self.assertNotIn("truncate", sent)
        self.assertNotIn("ANALYZE", sent)

    def sent_once_distributed(self, but_for: str, **changes: Any) -> list[str]:
        placed = frozenset(
            (table, place.value) for table, place in TABLE_TYPES.items() if table != but_for
        )
        keys = self.catalog().foreign_keys - LOST.items()
        catalog = replace(
            self.catalog(),
            distributed=placed,
            filled=frozenset({but_for}),
            foreign_keys=keys,
            keeps_sums=False,
        )
        found = steps(replace(catalog, **changes), Base.metadata)
        return [step.statement for step in found if step.statement not in PREREQUISITES]

    def test_a_table_of_a_later_migration_is_distributed_by_itself(self) -> None:
        self.assertEqual(
            self.sent_once_distributed("tickets"),
            [
                "ALTER TABLE tickets DROP CONSTRAINT fk_tickets_decided_by_id_users",
                "ALTER TABLE tickets DROP CONSTRAINT fk_tickets_owner_id_users",
                "SELECT create_distributed_table('tickets', 'id')",
                "SELECT truncate_local_data_after_distributing_table('tickets')",
                "ALTER TABLE tickets ADD CONSTRAINT fk_tickets_decided_by_id_users"
                " FOREIGN KEY(decided_by_id) REFERENCES users (id)",
                "ALTER TABLE tickets ADD CONSTRAINT fk_tickets_owner_id_users"
                " FOREIGN KEY(owner_id) REFERENCES users (id)",
                "ANALYZE tickets",
            ],
        )

    def test_a_missing_trigger_is_created(self) -> None:
        for name, event in TRIGGERS.items():
            self.assertEqual(
                self.sent_once_distributed("outbox", triggers=frozenset(TRIGGERS) - {name}),
                [f"CREATE TRIGGER {name} {event} EXECUTE FUNCTION refuse_changes_of_history()"],
            )

    def test_keys_and_triggers_come_back_as_they_were(self) -> None:
        keys, triggers = self.rows(KEYS), self.rows(TRIGGERS_OF_ALL)
        for step in steps(self.catalog(), Base.metadata):
            if step.statement.startswith(("ALTER TABLE", "DROP TRIGGER", "CREATE TRIGGER")):
                self.rows(step.statement)
        self.assertEqual(self.rows(KEYS), [key for key in keys if key[1] not in LOST.values()])
        self.assertEqual(len(keys) - len(self.rows(KEYS)), len(LOST))
        self.assertEqual(
            self.rows(TRIGGERS_OF_ALL), [each for each in triggers if each[0] != NOTING]
        )


class Refusals(DistributionTestCase):
    def test_a_server_without_citus_is_left_as_it_is(self) -> None:
        before = self.rows(KEYS), self.rows(TRIGGERS_OF_ALL)
        self.assert_refused(self.run_command("distribute", DATABASE_URL=self.url), "Citus")
        self.assertEqual((self.rows(KEYS), self.rows(TRIGGERS_OF_ALL)), before)

    def test_a_database_that_was_never_migrated_is_left_empty(self) -> None:
        self.url = empty_database(owner=new_role())
        ended = self.run_command("distribute", DATABASE_URL=self.url)
        self.assert_refused(ended, "expenses migrate")
        self.assertEqual(self.rows("SELECT relname FROM pg_class WHERE oid >= 16384"), [])

    def test_the_database_that_comes_along_stays_on_one_machine(self) -> None:
        self.assert_refused(self.run_command("distribute"), "DATABASE_URL")
        self.assertFalse(self.has_postgres())


class StandInForCitus(DistributionTestCase):
    def setUp(self) -> None:
        super().setUp()
        asyncio.run(self.prepare())
        self.keys = [key for key in self.rows(KEYS) if key[1] not in LOST.values()]
        self.triggers = [each for each in self.rows(TRIGGERS_OF_ALL) if each[0] != NOTING]

    async def prepare(self) -> None:
        async with connected(self.url) as connection:
            await connection.execute(STAND_IN)

    def seed(self) -> None:
        self.url = self.new_demo_company()
        asyncio.run(self.prepare())
        # Unlike Citus, the stand-in keeps no users for the tables that are not distributed.
        self.rows("TRUNCATE payment_lines, payment_runs")

    def forget_trial(self) -> None:
        """Rows that were rolled back leave an empty page behind; in a cluster, in a shard."""
        asyncio.run(self.vacuum())

    async def vacuum(self) -> None:
        async with connected(self.url) as connection:
            await connection.execute("VACUUM users, events")

    def calls(self) -> list[str]:
        return self.values("SELECT call FROM calls ORDER BY number")

    def assert_distributed(self) -> None:
        self.assertEqual(self.rows(KEYS), self.keys)
        self.assertEqual(self.rows(TRIGGERS_OF_ALL), self.triggers)
        placed = self.rows("SELECT table_name::text, citus_table_type FROM citus_tables")
        self.assertEqual(
            sorted(placed),
            sorted(
                (table, place.value)
                for table, place in TABLE_TYPES.items()
                if place is not TableType.LOCAL
            ),
        )
        for table in ("users", "tickets", "events"):
            self.assertEqual(self.values(f"SELECT count(*) FROM {table}"), [0], table)

    def test_each_table_is_distributed_once_and_said(self) -> None:
        self.seed()
        first = self.run_command("distribute", DATABASE_URL=self.url)
        self.assertEqual(first.status, 0, first.stderr)
        self.assert_distributed()
        for line in (
            "users: a copy on every node",
            "tickets: split up by id",
            "events: split up by id",
            "tickets: its rows were moved",
            "tickets: owner_id in users is checked",
            "events: ticket_id in tickets is no longer checked",
            "payment_lines: run_id in payment_runs is no longer checked",
            "events: append-only; UPDATE, DELETE and TRUNCATE were tried and refused",
        ):
            self.assertIn(f"  {line}\n", first.stdout)
        calls = self.calls()
        self.assertEqual(len(calls), len(set(calls)))
        self.forget_trial()
        second = self.run_command("distribute", DATABASE_URL=self.url)
        self.assertEqual((second.status, second.stdout), (0, "It was distributed already.\n"))
        self.assertEqual(self.calls(), calls)
        self.assert_distributed()

    def test_ended_at_any_step_it_goes_on_there(self) -> None:
        for call in ("users", "tickets by id", "events by id", "users cleared", "events cleared"):
            with self.subTest(refused=call):
                self.setUp()
                self.seed()
                self.rows(f"INSERT INTO refusals VALUES ('{call}')")
                refused = self.run_command("distribute", DATABASE_URL=self.url)
                self.assertEqual(refused.status, 1)
                self.assertIn("the stand-in does not want to", refused.stderr)
                before = self.calls()
                self.rows("DELETE FROM refusals")
                ended = self.run_command("distribute", DATABASE_URL=self.url)
                self.assertEqual(ended.status, 0, ended.stderr)
                self.assert_distributed()
                spread = [each for each in before if "cleared" not in each and "(" not in each]
                for each in spread:
                    self.assertEqual(self.calls().count(each), 1, each)

    def test_killed_while_a_table_moves_it_goes_on_there(self) -> None:
        self.seed()
        self.rows("INSERT INTO refusals VALUES ('slow tickets by id')")
        killed = subprocess.Popen(
            [sys.executable, "-m", "expenses", "distribute"],
            env=self.environment(DATABASE_URL=self.url),
            stdout=subprocess.DEVNULL,
        )
        self.addCleanup(self.kill, killed)
        moving = (
            "FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'SELECT create_distributed_table(%' AND pid <> pg_backend_pid()"
        )
        while not self.values(f"SELECT pid {moving}"):
            self.assertIsNone(killed.poll())
            time.sleep(0.05)
        self.kill(killed)
        self.rows("DELETE FROM refusals")
        # The server has not noticed yet, and is still moving it.
        ended = self.run_command("distribute", DATABASE_URL=self.url)
        self.assert_refused(ended, "right now")
        self.rows(f"SELECT pg_terminate_backend(pid, 10000) {moving}")
        self.assertEqual(self.calls()[-1], "users")
        ended = self.run_command("distribute", DATABASE_URL=self.url)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assert_distributed()

    def test_a_cluster_whose_nodes_take_nothing_is_refused(self) -> None:
        before = self.rows(KEYS)
        self.rows("INSERT INTO pg_dist_node VALUES (true, 'primary', false, 0)")
        ended = self.run_command("distribute", DATABASE_URL=self.url)
        self.assert_refused(ended, "No node", "citus_add_node")
        self.assertEqual((self.rows(KEYS), self.calls()), (before, []))

    def test_a_cluster_without_its_coordinator_is_refused(self) -> None:
        before = self.rows(KEYS)
        self.rows("INSERT INTO pg_dist_node VALUES (true, 'primary', true, 1)")
        ended = self.run_command("distribute", DATABASE_URL=self.url)
        self.assert_refused(ended, "citus_set_coordinator_host")
        self.assertEqual((self.rows(KEYS), self.calls()), (before, []))

    def test_a_history_that_can_be_changed_all_the_same_is_said(self) -> None:
        self.rows(
            "CREATE OR REPLACE FUNCTION refuse_changes_of_history() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN RETURN coalesce(new, old); END'"
        )
        for _ in range(2):
            ended = self.run_command("distribute", DATABASE_URL=self.url)
            self.assertEqual(ended.status, 0, ended.stderr)
            self.assertIn("UPDATE, DELETE, TRUNCATE on the history is not refused", ended.stdout)
            self.assertNotIn("append-only", ended.stdout)
            self.forget_trial()

    def test_only_the_owner_distributes(self) -> None:
        before = self.rows(KEYS), self.rows(TRIGGERS_OF_ALL)
        role = new_role()
        self.rows(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        ended = self.run_command("distribute", DATABASE_URL=as_role(role, self.url))
        self.assert_refused(ended, "must be owner")
        self.assertEqual((self.rows(KEYS), self.rows(TRIGGERS_OF_ALL)), before)
        self.assertEqual(self.calls(), [])

    def test_two_at_once_are_kept_apart(self) -> None:
        async def two() -> list[str | BaseException]:
            return await asyncio.gather(*(self.lines() for _ in range(2)), return_exceptions=True)

        outcomes = asyncio.run(two())
        [refused] = [each for each in outcomes if isinstance(each, CannotStart)]
        self.assertIn("right now", refused.message)
        self.assert_distributed()

    async def lines(self) -> str:
        return "\n".join([line async for line in distribute(self.url, Base.metadata)])
