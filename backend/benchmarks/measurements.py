"""Measuring in turns, so that noise on the machine hits all alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import servers
from benchmarks.fill import Progress
from benchmarks.load import Request, run_wrk, send_one_by_one
from benchmarks.results import Key, Results
from benchmarks.servers import RunningServer

CLIENTS = (1, 8)
WARM_UP_REQUESTS = 20
# More than anything approves.
MAX_APPROVALS_PER_SECOND = 3_000


@dataclass(frozen=True)
class Measurement:
    """`request` is told how often it will be sent: a ticket is approved only once.

    What is compared with a floor is measured with eight clients at once as well.
    """

    title: str
    size: int
    server: RunningServer
    request: Callable[[int], Request]
    has_floor: bool = False
    is_floor: bool = False


@dataclass(frozen=True)
class Pace:
    """How often, and for how many seconds each time."""

    rounds: int
    seconds: int
    data_dir: Path
    warm_up: int = WARM_UP_REQUESTS


def always(request: Request) -> Callable[[int], Request]:
    """Send the same request each time."""
    return lambda _times: request


def measure(
    measurements: Sequence[Measurement], pace: Pace, results: Results, progress: Progress
) -> None:
    titles = [*dict.fromkeys(measurement.title for measurement in measurements)]
    in_turns = sorted(measurements, key=lambda measurement: titles.index(measurement.title))
    for measurement in in_turns:
        request = measurement.request(pace.warm_up)
        send_one_by_one(measurement.server.address, request, pace.warm_up)
    for number in range(pace.rounds):
        for done, measurement in enumerate(in_turns, start=1):
            has_floor = measurement.has_floor or measurement.is_floor
            for clients in CLIENTS if has_floor else CLIENTS[:1]:
                _measure_once(measurement, clients, pace, results)
            progress(f"Round {number + 1}", done, len(in_turns))
        # The other way round next time: nothing always comes first.
        in_turns.reverse()


def _measure_once(measurement: Measurement, clients: int, pace: Pace, results: Results) -> None:
    server = measurement.server
    request = measurement.request(MAX_APPROVALS_PER_SECOND * pace.seconds)
    before, database_before = server.cpu(), servers.postgres_cpu(pace.data_dir)
    load = run_wrk(server.address, request, clients=clients, seconds=pace.seconds)
    cpu, database_cpu = (
        server.cpu() - before,
        servers.postgres_cpu(pace.data_dir) - database_before,
    )
    key = Key(measurement.title, measurement.size, clients, measurement.is_floor)
    results.rounds[key].append(
        load._replace(cpu=cpu / load.requests, database_cpu=database_cpu / load.requests)
    )
