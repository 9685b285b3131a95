"""The ledger with every kind of fault."""

import asyncio
import logging

from tests.harness import TestCase
from tests.ledger.run import FAULTS, run

logger = logging.getLogger(__name__)


class NothingIsLost(TestCase):
    def test_what_was_acknowledged_is_there_once_whatever_happened(self) -> None:
        outcome = asyncio.run(run(seconds=20))
        logger.info("The ledger: %s", outcome.counts)
        self.assertEqual(outcome.discrepancies, [])
        # All of that says nothing unless it did happen.
        happened = {name for name, number in outcome.counts.items() if number}
        self.assertLessEqual(FAULTS, happened)
        for name in (
            "tickets",
            "receipts",
            "decided tickets",
            "payment runs",
            "writes without an answer",
            "writes told to try again",
            "answers that another decision won",
            "times it was ready again by itself",
        ):
            self.assertIn(name, happened)
        self.assertNotIn("Unexpected error", outcome.log)
