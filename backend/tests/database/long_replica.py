"""A real streaming replica: what is read from it, and when it is not."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from unittest.mock import patch

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database import migrations, replica
from expenses.database.embedded import Server, binary, postmaster, running
from expenses.database.embedded.programs import run
from expenses.database.engine import Database
from expenses.database.replica import NotAReplica, lag_behind, open_replica, position_of
from expenses.errors import TooBusy
from expenses.observability.doctor import Finding, examine
from expenses.observability.doctor import replica as doctor
from expenses.receipts.queries import count_receipts
from expenses.tickets import export
from expenses.web.exports.tickets import TOTALS
from tests.command_line import execute
from tests.harness import AppTestCase, make_settings
from tests.observability.test_metrics import ITS_OWN, TOKEN, Figures, figures_in

CSV = "/admin/ticket/export/csv"
SHORT = patch.object(replica, "MAX_LAG_SECONDS", 0.3)


class Replica(AppTestCase):
    primary: Server
    folder: Path
    standby: Server

    @classmethod
    def setUpClass(cls) -> None:
        parent = Path(tempfile.mkdtemp(prefix="replica-"))
        cls.addClassCleanup(shutil.rmtree, parent)
        cls.primary = cls.enterClassContext(running(parent / "primary", durable=False))
        migrations.upgrade(cls.primary.url())
        # As everywhere but in tests: what is committed is written down.
        asyncio.run(
            execute(cls.primary.url(), "ALTER DATABASE expenses SET synchronous_commit TO on")
        )
        cls.folder = parent / "standby"
        cls.folder.mkdir(mode=0o700)
        source = ["-h", str(cls.primary.socket_dir), "-U", "postgres"]
        target = ["-D", str(cls.folder / "postgres"), "-R", "-c", "fast", "--no-sync"]
        run([str(binary("pg_basebackup")), *source, *target])
        cls.standby = cls.enterClassContext(running(cls.folder, durable=False))

    def setUp(self) -> None:
        self._address = self.primary.url()

    async def _open_database(self) -> Database:
        return await self.enterAsyncContext(Database(self._address))

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.settings = make_settings(
            database_url=self.primary.url(),
            database_replica_url=self.standby.url(),
            metrics_token=SecretStr(TOKEN),
        )
        opened = open_replica(self.settings)
        assert opened is not None
        self.replica = await self.enterAsyncContext(opened)
        self.app = self.start_app(self.settings)
        self.app.state.replica = self.replica
        self.ada, self.boss = await self.new_employee(), await self.new_employer()
        self.browser = await self.browser_of(self.boss)
        await self.until(self.has_caught_up)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + 10
        while not await condition():
            self.assertLess(time.monotonic(), deadline)
            await asyncio.sleep(0.02)

    async def has_caught_up(self) -> bool:
        return await self.lag() == 0

    async def lag(self) -> float:
        return await lag_behind(await position_of(self.database), self.replica)

    async def at_replica(self, *statements: str) -> None:
        async with self.replica.reading() as connection:
            for statement in statements:
                await connection.execute(text(statement))

    async def pause(self) -> None:
        await self.at_replica("SELECT pg_wal_replay_pause()")
        self.addAsyncCleanup(self.at_replica, "SELECT pg_wal_replay_resume()")
        await self.until(self.is_paused)

    async def is_paused(self) -> bool:
        async with self.replica.reading() as connection:
            state = await connection.scalar(text("SELECT pg_get_wal_replay_pause_state()"))
        return bool(state == "paused")

    async def approved(self) -> int:
        return await self.new_due_ticket(self.ada, by=self.boss)

    async def reads(self, ticket_id: int) -> tuple[bool, bool]:
        """Whether the overview and the export have Ada's ticket."""
        page = await self.browser.get("/admin/overview")
        self.assertEqual(page.status_code, 200, page.text)
        return self.ada.username in page.text, f"\r\n{ticket_id}," in await self.exported()

    async def exported(self) -> str:
        answer = await self.browser.get(CSV, params={"status": "all"})
        self.assertEqual(answer.status_code, 200)
        self.assertIn(",".join(TOTALS), answer.text)
        return answer.text

    async def measured_lag(self) -> float:
        answer = await (await self.client()).get("/metrics", headers=ITS_OWN)
        return Figures(figures_in(answer.text)).of("expenses_replica_lag_seconds")

    async def finding(self, address: str | None = None) -> Finding:
        settings = self.settings
        if address is not None:
            settings = settings.model_copy(update={"database_replica_url": address})
        [found] = [
            finding
            for finding in await examine(settings, workers=1)
            if "DATABASE_REPLICA_URL" in finding.sentence
        ]
        return found

    async def test_the_overview_and_exports_come_from_it_and_nothing_else(self) -> None:
        await self.pause()
        ticket_id = await self.approved()
        self.assertEqual(await self.reads(ticket_id), (False, False))
        portal = await self.browser_of(self.ada)
        for browser, path in (
            (self.browser, f"/admin/ticket/details/{ticket_id}"),
            (self.browser, "/admin/ticket/list?status=all"),
            (portal, f"/tickets/{ticket_id}"),
            (portal, "/tickets"),
        ):
            page = await browser.get(path)
            self.assertEqual((page.status_code, "Lunch" in page.text), (200, True), path)
        own = await portal.get("/tickets/export.csv", params={"status": "all"})
        self.assertNotIn("Lunch", own.text)

    async def test_who_is_logged_out_reads_nothing_from_it(self) -> None:
        await self.pause()
        async with self.database.transaction() as connection:
            await connection.execute(text("DELETE FROM sessions"))
        for path in ("/admin/overview", CSV):
            self.assertEqual((await self.browser.get(path)).status_code, 303, path)

    async def test_it_is_not_behind_a_database_that_nobody_writes_to(self) -> None:
        await asyncio.sleep(0.5)
        with SHORT:
            await self.until(self.has_caught_up)
            self.assertEqual((await self.finding()).level, "ok")
        self.assertEqual(await self.measured_lag(), 0)

    async def test_what_was_written_just_now_is_soon_there(self) -> None:
        ticket_id = await self.approved()
        await self.until(self.has_caught_up)
        await self.pause()
        self.assertEqual(await self.reads(ticket_id), (True, True))

    async def test_the_database_itself_is_read(self) -> None:
        await self.pause()
        ticket_id = await self.approved()
        await asyncio.sleep(0.5)
        with SHORT, self.assertLogs("expenses", "WARNING") as log:
            self.assertEqual(await self.reads(ticket_id), (True, True))
            self.assertIn("seconds behind", log.output[0])
            with patch.object(doctor, "MAX_LAG_SECONDS", 0.3):
                found = await self.finding()
            self.assertEqual(found.level, "warning")
            self.assertIn("behind", found.sentence)
        self.assertGreater(await self.measured_lag(), 0.3)

    async def test_one_that_has_lost_the_database_is_known_to_be_behind(self) -> None:
        async with self.replica.reading() as connection:
            source = await connection.scalar(text("SHOW primary_conninfo"))
        quoted = str(source).replace("'", "''")
        reload = "SELECT pg_reload_conf()"
        await self.at_replica("ALTER SYSTEM SET primary_conninfo = 'host=/nowhere'", reload)
        self.addAsyncCleanup(
            self.at_replica, f"ALTER SYSTEM SET primary_conninfo = '{quoted}'", reload
        )
        await self.until(self.is_disconnected)
        ticket_id = await self.approved()
        self.assertEqual(await self.reads(ticket_id), (False, False))
        await asyncio.sleep(0.5)
        with SHORT:
            self.assertEqual(await self.reads(ticket_id), (True, True))

    async def is_disconnected(self) -> bool:
        async with self.database.reading() as connection:
            return not await connection.scalar(text("SELECT count(*) FROM pg_stat_replication"))

    async def test_a_replica_of_another_database_is_refused(self) -> None:
        position = await position_of(self.database)
        for other in ({"server": 1}, {"database": "another"}):
            with self.assertRaises(NotAReplica):
                await lag_behind(position._replace(**other), self.replica)

    async def test_one_without_the_newest_migration_is_behind(self) -> None:
        await self.pause()
        await self.approved()
        position = await position_of(self.database)
        self.assertLess(await lag_behind(position, self.replica), 10)
        later = position._replace(revision="later")
        self.assertEqual(await lag_behind(later, self.replica), float("inf"))

    async def test_a_query_that_replaying_has_cancelled_says_that_it_is_busy(self) -> None:
        reload = "SELECT pg_reload_conf()"
        await self.at_replica("ALTER SYSTEM SET max_standby_streaming_delay = 0", reload)
        self.addAsyncCleanup(
            self.at_replica, "ALTER SYSTEM RESET max_standby_streaming_delay", reload
        )
        reading = asyncio.create_task(
            self.at_replica("SELECT pg_sleep(9) FROM (SELECT count(*) FROM tickets) AS counted")
        )
        await asyncio.sleep(0.2)
        async with self.database.transaction() as connection:
            await connection.execute(text("LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE"))
        with self.assertRaises(TooBusy):
            await reading

    async def test_an_export_from_one_that_stops_has_no_totals(self) -> None:
        self.addCleanup(postmaster.ensure_started, self.folder, durable=False)
        for _ in range(3):
            ticket_id = await self.approved()
        await self.until(self.has_caught_up)

        async def count_and_stop(connection: AsyncConnection, ids: list[int]) -> Mapping[int, int]:
            counted = await count_receipts(connection, ids)
            await asyncio.to_thread(postmaster.stop, self.folder / "postgres")
            return counted

        with (
            patch.object(export, "BATCH_SIZE", 1),
            patch("expenses.web.exports.tickets.count_receipts", count_and_stop),
            self.assertLogs("expenses", "ERROR"),
        ):
            answer = await self.browser.get(CSV, params={"status": "all"})
        self.assertIn("Lunch", answer.text)
        self.assertNotIn(",".join(TOTALS), answer.text)
        self.assertEqual(await self.reads(ticket_id), (True, True))
        self.assertEqual(await self.measured_lag(), float("inf"))
        found = await self.finding()
        self.assertEqual(found.level, "problem")
        self.assertIn(str(self.standby.socket_dir), found.sentence)
