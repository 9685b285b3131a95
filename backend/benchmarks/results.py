"""What a run has measured, and the ratios between its figures."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

from benchmarks.crowd import Crowd
from benchmarks.exports import Export
from benchmarks.load import Load
from benchmarks.log_ins import LogIns
from benchmarks.page_sizes import PageSizes
from benchmarks.routes import FIRST_LIST
from benchmarks.uploads import Uploads


class Key(NamedTuple):
    """A route, measured with this many tickets and clients at once."""

    route: str
    size: int
    clients: int
    is_floor: bool = False


@dataclass
class Results:
    """`rounds` has the loads of each round; `memory` is by size, in bytes.

    `sqladmin_export` is in seconds.
    """

    about: Mapping[str, str]
    sizes: list[int]
    rounds: dict[Key, list[Load]] = field(default_factory=lambda: defaultdict(list))
    memory: dict[int, int] = field(default_factory=dict)
    export: Export | None = None
    log_ins: LogIns | None = None
    uploads: Uploads | None = None
    page_sizes: PageSizes | None = None
    sqladmin_export: float | None = None
    busy: Export | None = None
    crowd: Crowd | None = None

    def load(self, key: Key) -> Load | None:
        """Return the median of each figure."""
        rounds = self.rounds.get(key)
        return Load(*map(median, zip(*rounds, strict=True))) if rounds else None

    def share_of_floor(self, key: Key) -> float | None:
        load, floor = self.load(key), self.load(key._replace(is_floor=True))
        return load.rate / floor.rate if load and floor and not key.is_floor else None

    def times_list_floor(self, key: Key) -> float | None:
        """Divide p50 by that of the floor's list."""
        load, floor = self.load(key), self.load(Key(FIRST_LIST, key.size, key.clients, True))
        return load.p50 / floor.p50 if load and floor else None

    def growth(self, key: Key) -> float | None:
        """Divide p50 by that with the fewest tickets."""
        load, smallest = self.load(key), self.load(key._replace(size=self.sizes[0]))
        return load.p50 / smallest.p50 if load and smallest and key.size > self.sizes[0] else None
