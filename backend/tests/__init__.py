"""The tests mirror `src/expenses` and go through its doors, on a PostgreSQL of their own."""

from tests import cleanup

cleanup.prepare()
