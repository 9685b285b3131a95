"""Receipts that come and go while unused files are deleted, behind a pooler."""

from expenses.database.engine import Database
from tests.pgbouncer import pgbouncer, through
from tests.receipts import test_cleaning


class AtOnceBehindAPooler(test_cleaning.AtOnce):
    def setUp(self) -> None:
        super().setUp()
        self._pooled = through(self.enterContext(pgbouncer()), self._address)

    async def _open_database(self) -> Database:
        return await self.enterAsyncContext(Database(self._pooled, "transaction"))
