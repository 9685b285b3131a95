"""A replica that cannot be used; `long_replica` has a real one."""

from socket import create_server

from expenses.app import create_app
from expenses.errors import CannotStart
from expenses.observability.doctor import examine
from expenses.settings import Settings
from tests.harness import AppTestCase, make_settings, shared_database, shared_storage

NOWHERE = "postgresql://nobody:hidden@127.0.0.1:1/nothing"


def with_replica(address: str) -> Settings:
    return make_settings(database_url=shared_database(), database_replica_url=address)


class Unusable(AppTestCase):
    async def assert_not_used(self, address: str, *words: str) -> None:
        self.app = self.start_app(with_replica(address))
        await self.enterAsyncContext(self.app.state.replica)
        browser = await self.browser_of(await self.new_employer())
        for path in ("/admin/overview", "/admin/ticket/export/csv"):
            with self.assertLogs("expenses.database.replica", "WARNING") as log:
                self.assertEqual((await browser.get(path)).status_code, 200)
            for word in ("is not used", *words):
                self.assertIn(word, log.output[0])
            self.assertNotIn("hidden", log.output[0])

    async def assert_problem_found(self, address: str, *words: str) -> None:
        [problem] = [
            finding.sentence
            for finding in await examine(with_replica(address), workers=1)
            if "DATABASE_REPLICA_URL" in finding.sentence and finding.level == "problem"
        ]
        for word in words:
            self.assertIn(word, problem)
        self.assertNotIn("hidden", problem)

    async def test_one_that_nobody_runs(self) -> None:
        await self.assert_not_used(NOWHERE)
        await self.assert_problem_found(NOWHERE, "127.0.0.1:1")

    async def test_one_that_does_not_answer(self) -> None:
        silent = self.enterContext(create_server(("127.0.0.1", 0)))
        await self.assert_not_used(
            f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing", "TimeoutError"
        )

    async def test_the_database_itself(self) -> None:
        await self.assert_not_used(shared_database(), "does not lead to a replica")
        await self.assert_problem_found(shared_database(), "does not lead to a replica")

    async def test_no_address(self) -> None:
        for address in ("hidden", "mysql://hidden@host/name", f"{NOWHERE}?hidden=1"):
            with self.subTest(address=address), self.assertRaises(CannotStart) as refusal:
                create_app(with_replica(address), self.database, shared_storage())
            self.assertIn("DATABASE_REPLICA_URL", refusal.exception.message)
            self.assertNotIn("hidden", refusal.exception.message)
