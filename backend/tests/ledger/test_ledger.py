"""The ledger's short form: one kill of the server and one of the database."""

import asyncio

from tests.harness import TestCase
from tests.ledger.run import run


class NothingIsLost(TestCase):
    def test_what_was_acknowledged_is_there_once_after_two_kills(self) -> None:
        outcome = asyncio.run(run(seconds=0, faults=("kill_server", "kill_database")))
        self.assertEqual(outcome.discrepancies, [])
        for name in ("tickets", "decided tickets", "kills of the server", "kills of the database"):
            self.assertGreater(outcome.counts.get(name, 0), 0, name)
        self.assertNotIn("Unexpected error", outcome.log)
