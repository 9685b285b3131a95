"""The tests mirror `src/expenses`."""
