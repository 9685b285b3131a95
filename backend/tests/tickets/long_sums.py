"""The sums while everything changes, for longer."""

from tests.tickets import test_sums


class LongRaces(test_sums.Races):
    rounds = 25


# Not once more here.
del test_sums
