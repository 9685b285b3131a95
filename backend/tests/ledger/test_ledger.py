"""The ledger's short form: one kill of the server."""

import asyncio

from tests.harness import TestCase
from tests.ledger.run import run


class NothingIsLost(TestCase):
    def test_what_was_acknowledged_is_there_once_after_a_kill(self) -> None:
        outcome = asyncio.run(run(seconds=0, faults=("kill_server",)))
        self.assertEqual(outcome.discrepancies, [])
        for name in (
            "tickets",
            "receipts",
            "decided tickets",
            "payment runs",
            "kills of the server",
        ):
            self.assertGreater(outcome.counts.get(name, 0), 0, name)
        self.assertNotIn("Unexpected error", outcome.log)
