"""What a run has found, and what follows from it."""

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from benchmarks.exports import Export
from benchmarks.load import Load
from benchmarks.log_ins import LogIns


class Measured(NamedTuple):
    """`clients` is how many, or, for requests at a fixed rate, the rate."""

    route: str
    size: int
    clients: str
    is_floor: bool = False


@dataclass
class Results:
    """`lists` and `console_tabs` name the routes that the targets speak of; `statements` is by
    route, and by whether it is the floor's; `failures` says why a route of a size has no figures.
    """

    machine: dict[str, str]
    sizes: list[int]
    rounds: int
    seconds: int
    lists: set[str] = field(default_factory=set)
    console_tabs: set[str] = field(default_factory=set)
    loads: dict[Measured, list[Load]] = field(default_factory=lambda: defaultdict(list))
    statements: dict[tuple[str, bool], float] = field(default_factory=dict)
    failures: dict[tuple[str, int], str] = field(default_factory=dict)
    export: Export | None = None
    log_ins: list[LogIns] = field(default_factory=list)
    memory: dict[int, int] = field(default_factory=dict)

    def fail(self, route: str, size: int, problem: str) -> None:
        """What was measured before is forgotten: some of it may be wrong as well."""
        self.failures.setdefault((route, size), problem)
        for measured in [*self.loads]:
            if (measured.route, measured.size) == (route, size):
                del self.loads[measured]

    def load(self, measured: Measured) -> Load | None:
        """The median round."""
        rounds = self.loads.get(measured)
        if not rounds:
            return None
        return Load(
            p50=median(load.p50 for load in rounds),
            p99=median(load.p99 for load in rounds),
            rate=median(load.rate for load in rounds),
            requests=sum(load.requests for load in rounds),
            longest=max(load.longest for load in rounds),
            server=_median_of_known([load.server for load in rounds]),
            database=_median_of_known([load.database for load in rounds]),
        )

    def of_floor(self, measured: Measured) -> float | None:
        """The share of its floor's requests a second."""
        floor = self.load(measured._replace(is_floor=True))
        load = self.load(measured)
        return load.rate / floor.rate if floor and load and not measured.is_floor else None

    def times_list_floor(self, measured: Measured) -> float | None:
        """How many times the p50 of the API list's floor, of the same size and clients."""
        floor = self.load(Measured(FIRST_LIST, measured.size, measured.clients, True))
        load = self.load(measured)
        return load.p50 / floor.p50 if floor and load else None

    def growth(self, measured: Measured) -> float | None:
        """Of p50, since the smallest company."""
        smallest = self.load(measured._replace(size=min(self.sizes)))
        load = self.load(measured)
        if smallest is None or load is None or measured.size == min(self.sizes):
            return None
        return load.p50 / smallest.p50


def _median_of_known(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


FIRST_LIST = "API list, first page"
