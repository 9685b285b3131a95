"""How fast it is, and data to measure with."""
