"""The tests mirror `src/expenses` and go through its doors, on a PostgreSQL of their own."""

import unittest
from pathlib import Path

from tests import cleanup
from tests.parallel import ParallelSuite

cleanup.prepare()


def load_tests(
    loader: unittest.TestLoader, _tests: unittest.TestSuite, pattern: str | None
) -> unittest.TestSuite:
    """Follow the protocol of `unittest`, so that the whole run uses all processors."""
    folder = Path(__file__).parent
    found = loader.discover(str(folder), pattern or "test*.py", str(folder.parent))
    return ParallelSuite([found])
