"""One run. What is compared is measured in turns, so that noise on the machine hits all alike."""

import asyncio
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from benchmarks import (
    databases,
    exports,
    log_ins,
    machine,
    receipts,
    recording,
    routes,
    sample,
    servers,
)
from benchmarks.fill import Progress
from benchmarks.load import Request, WrongAnswer, run_wrk, send_one_by_one
from benchmarks.results import Key, Results
from benchmarks.routes import Route
from benchmarks.sample import Headers, Sample
from benchmarks.servers import RunningServer
from expenses.database.embedded import Server, running

CLIENTS = (1, 8)
WARM_UP_REQUESTS = 20
# More than anything approves.
MAX_APPROVALS_PER_SECOND = 3_000


@dataclass(frozen=True)
class Options:
    """A quick run measures what has no floor with one client, and no exports or log-ins."""

    sizes: list[int]
    rounds: int
    seconds: int
    only: str
    data_dir: Path
    is_quick: bool

    def wants(self, title: str) -> bool:
        return re.search(self.only, title, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Deployment:
    """A database of one size, with the application and the floor running on it."""

    size: int
    database: str
    application: RunningServer
    floor: RunningServer
    sample: Sample
    headers: Headers
    receipt_path: str


@dataclass(frozen=True)
class Measurement:
    """`request` is told how often it will be sent: a ticket is approved only once."""

    title: str
    deployment: Deployment
    request: Callable[[int], Request]
    has_floor: bool = True
    is_floor: bool = False

    @property
    def server(self) -> RunningServer:
        return self.deployment.floor if self.is_floor else self.deployment.application


def run(options: Options, progress: Progress) -> Results:
    with running(options.data_dir) as postgres, ExitStack() as stack:
        about = machine.describe(asyncio.run(databases.version(postgres)))
        about["rounds"] = f"{options.rounds}, each measurement {options.seconds} s long"
        results = Results(about, options.sizes)
        deployments = [
            stack.enter_context(_deployed(postgres, size, options.data_dir, progress))
            for size in options.sizes
        ]
        # Reads first: writes change what is read.
        for measurements in (_reads, _writes):
            wanted = [
                measurement
                for deployment in deployments
                for measurement in measurements(deployment, options)
            ]
            _measure(wanted, options, results, progress)
        if not options.is_quick:
            _measure_largest(deployments[-1], options, results)
        results.memory = {each.size: each.application.memory() for each in deployments}
    return results


@contextmanager
def _deployed(
    postgres: Server, size: int, folder: Path, progress: Progress
) -> Iterator[Deployment]:
    log, recorded = folder / f"run_{size}.log", folder / f"run_{size}.recording"
    with (
        databases.copy(postgres, size, progress) as database,
        TemporaryDirectory(prefix=f"run_{size}_", dir=folder) as files,
        servers.started(database, Path(files), log, *servers.APPLICATION) as application,
    ):
        chosen = asyncio.run(sample.choose(database))
        headers = sample.log_in(application.address, chosen)
        made = asyncio.run(recording.record(database, headers, chosen, Path(files)))
        recorded.write_bytes(pickle.dumps(made))
        floor_log, command = log.with_suffix(".floor.log"), (
            "-m",
            "benchmarks.floor",
            str(recorded),
        )
        with servers.started(database, Path(files), floor_log, *command) as floor:
            yield Deployment(size, database, application, floor, chosen, headers, made.receipt_path)


def _reads(deployment: Deployment, options: Options) -> Iterator[Measurement]:
    receipt = routes.Route(routes.RECEIPT, deployment.receipt_path, deployment.headers.employer_api)
    for route in (*routes.reading_routes(deployment.sample, deployment.headers), receipt):
        if not options.wants(route.title):
            continue
        floor_path = routes.floor_path(route, deployment.sample)
        request = routes.checked_request(route, deployment.application.address)
        yield Measurement(route.title, deployment, partial(_same, request), bool(floor_path))
        if floor_path:
            _ensure_equal(route, floor_path, deployment)
            request = replace(request, path=floor_path)
            yield Measurement(route.title, deployment, partial(_same, request), is_floor=True)


def _same(request: Request, _times: int) -> Request:
    return request


def _ensure_equal(route: Route, floor_path: str, deployment: Deployment) -> None:
    application, floor = (
        httpx.get(address, headers=dict(route.headers))
        for address in (
            deployment.application.address + route.path,
            deployment.floor.address + floor_path,
        )
    )
    if route.title == routes.RECEIPT:
        is_equal = application.content == floor.content
    else:
        # Only the application says where the next page begins.
        is_equal = application.json() | {"next": None} == floor.json() | {"next": None}
    if not is_equal:
        raise WrongAnswer(path=route.path, problem="the floor gives another answer")


def _writes(deployment: Deployment, options: Options) -> Iterator[Measurement]:
    for is_floor, paths in ((False, routes.WRITES), (True, routes.FLOOR_WRITES)):
        for title, path in paths.items():
            if options.wants(title):
                request = partial(_write_request, title, path, deployment)
                yield Measurement(title, deployment, request, is_floor=is_floor)


def _write_request(title: str, path: str, deployment: Deployment, times: int) -> Request:
    if title == routes.CREATE:
        return routes.create_request(deployment.headers, path)
    owner_id = deployment.sample.employee_id
    ids = asyncio.run(databases.add_pending_tickets(deployment.database, owner_id, times))
    return routes.approve_request(deployment.headers, path, ids)


def _measure(
    measurements: list[Measurement], options: Options, results: Results, progress: Progress
) -> None:
    titles = [*dict.fromkeys(measurement.title for measurement in measurements)]
    in_turns = sorted(measurements, key=lambda measurement: titles.index(measurement.title))
    for measurement in in_turns:
        warm_up = measurement.request(WARM_UP_REQUESTS)
        send_one_by_one(measurement.server.address, warm_up, WARM_UP_REQUESTS)
    for number in range(options.rounds):
        for done, measurement in enumerate(in_turns, start=1):
            for clients in CLIENTS:
                if clients == 1 or measurement.has_floor or not options.is_quick:
                    _measure_once(measurement, clients, options, results)
            progress(f"Round {number + 1}", done, len(in_turns))
        # The other way round next time: nothing always comes first.
        in_turns.reverse()


def _measure_once(
    measurement: Measurement, clients: int, options: Options, results: Results
) -> None:
    server, seconds = measurement.server, options.seconds
    request = measurement.request(MAX_APPROVALS_PER_SECOND * seconds)
    before, database_before = server.cpu(), servers.postgres_cpu(options.data_dir)
    load = run_wrk(server.address, request, clients=clients, seconds=seconds)
    cpu, database_cpu = (
        server.cpu() - before,
        servers.postgres_cpu(options.data_dir) - database_before,
    )
    key = Key(measurement.title, measurement.deployment.size, clients, measurement.is_floor)
    results.rounds[key].append(
        load._replace(cpu=cpu / load.requests, database_cpu=database_cpu / load.requests)
    )


def _measure_largest(deployment: Deployment, options: Options, results: Results) -> None:
    if options.wants("API log-in"):
        results.log_ins = log_ins.measure(deployment.application.address, deployment.sample)
    if options.wants(routes.UPLOAD):
        results.uploads = receipts.measure(
            deployment.application,
            deployment.floor,
            deployment.database,
            deployment.sample,
            deployment.headers,
        )
    if options.wants("console export"):
        results.export = exports.measure(deployment.application, deployment.headers)
