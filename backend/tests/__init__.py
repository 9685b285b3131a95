"""The tests mirror `src/expenses` and go through its doors, on a PostgreSQL of their own."""
