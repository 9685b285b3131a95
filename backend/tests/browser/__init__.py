"""The pages in a real browser. Skipped where there is none, but not in CI."""
