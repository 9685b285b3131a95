"""What the watchers of the servers are told."""

import asyncio
from unittest.mock import patch

from sqlalchemy import text

from expenses.database.engine import Database
from expenses.users import passwords
from tests.harness import PASSWORD, PRODUCT_HASHING, AppTestCase, CommittingTestCase, usual_settings


class Health(AppTestCase):
    async def test_alive_and_ready(self) -> None:
        client = await self.client()
        self.assertEqual((await client.get("/health")).json(), {"status": "ok"})
        self.assertEqual((await client.get("/ready")).json(), {"status": "ready"})

    async def test_not_ready_on_another_revision(self) -> None:
        client = await self.client()
        async with self.database.transaction() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
        self.assert_problem(await client.get("/ready"), 503, "migrations-missing")
        self.assertEqual((await client.get("/health")).status_code, 200)

    async def test_not_ready_without_a_database(self) -> None:
        self.database = await self.enterAsyncContext(
            Database("postgresql://nobody@127.0.0.1:1/nothing")
        )
        client = await self.client(self.start_app(usual_settings()))
        self.assert_problem(await client.get("/ready"), 503, "database-unavailable")
        self.assert_problem(
            await client.get("/api/me", headers={"Authorization": "Bearer x"}),
            503,
            "database-unavailable",
        )
        page = await client.post("/login", data={"email": "a@b.example", "password": PASSWORD})
        self.assertEqual(page.status_code, 503)
        self.assertIn("is not responding", page.text)


class Responsive(CommittingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enterContext(patch.object(passwords, "context", PRODUCT_HASHING))

    async def test_health_answers_while_log_ins_are_hashing(self) -> None:
        client = await self.client()
        ada = {"email": "ada@contoso.example", "password": PASSWORD}
        await client.post("/api/users", json=ada | {"username": "Ada", "role": "employee"})
        log_ins = [asyncio.create_task(client.post("/api/session", json=ada)) for _ in range(4)]
        answered_meanwhile = 0
        while not all(log_in.done() for log_in in log_ins):
            self.assertEqual((await client.get("/health")).status_code, 200)
            answered_meanwhile += 1
            await asyncio.sleep(0.005)
        # Hashing four passwords takes two cores half a second; a blocked loop answers none.
        self.assertGreater(answered_meanwhile, 20)
        self.assertEqual({(await log_in).status_code for log_in in log_ins}, {200})
