"""One run: everything is started, measured, and stopped again."""

import asyncio
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx

from benchmarks import (
    busy,
    comparison,
    crowd,
    databases,
    exports,
    log_ins,
    machine,
    page_sizes,
    routes,
    uploads,
)
from benchmarks.deployment import Deployment, deployed, write_request
from benchmarks.fill import Progress
from benchmarks.load import TIMEOUT, WrongAnswer
from benchmarks.measurements import Measurement, Pace, always, measure
from benchmarks.results import Results
from benchmarks.routes import Route
from benchmarks.targets import usual_size
from expenses.database.embedded import running

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """A quick run measures no exports, uploads and log-ins, and compares with nothing else."""

    sizes: list[int]
    rounds: int
    seconds: int
    only: str
    data_dir: Path
    is_quick: bool
    users: int

    def wants(self, title: str) -> bool:
        return re.search(self.only, title, re.IGNORECASE) is not None

    @property
    def compares(self) -> bool:
        return not self.is_quick and self.wants("comparison")

    @property
    def has_crowd(self) -> bool:
        return not self.is_quick and self.users > 0 and self.wants("crowd")


def run(options: Options, progress: Progress) -> Results:
    if options.compares:
        comparison.ensure_installed()
    if options.has_crowd:
        crowd.ensure_installed()
    with running(options.data_dir) as postgres, ExitStack() as stack:
        about = machine.describe(asyncio.run(databases.version(postgres)))
        about["rounds"] = f"{options.rounds}, each measurement {options.seconds} s long"
        results = Results(about, options.sizes)
        pace = Pace(options.rounds, options.seconds, options.data_dir)
        deployments = [
            stack.enter_context(deployed(postgres, size, options.data_dir, progress))
            for size in options.sizes
        ]
        # Reads first: writes change what is read.
        for measurements in (_reads, _writes):
            wanted = [
                measurement
                for deployment in deployments
                for measurement in measurements(deployment, options)
            ]
            measure(wanted, pace, results, progress)
        if not options.is_quick:
            usual = deployments[options.sizes.index(usual_size(options.sizes))]
            _measure_once(usual, options, results)
        results.memory = {each.size: each.application.memory() for each in deployments}
        if options.compares:
            # Some take seconds for one answer.
            _compare(usual, replace(pace, rounds=1, warm_up=1), results, progress)
    return results


def _reads(deployment: Deployment, options: Options) -> Iterator[Measurement]:
    receipt = routes.Route(routes.RECEIPT, deployment.receipt_path, deployment.headers.employer_api)
    for route in (*routes.reading_routes(deployment.sample, deployment.headers), receipt):
        if not options.wants(route.title):
            continue
        floor_path = routes.floor_path(route, deployment.sample)
        request = routes.checked_request(route, deployment.application.address)
        size, application = deployment.size, deployment.application
        yield Measurement(route.title, size, application, always(request), bool(floor_path))
        if floor_path:
            _ensure_equal(route, floor_path, deployment)
            of_floor = always(replace(request, path=floor_path))
            yield Measurement(route.title, size, deployment.floor, of_floor, is_floor=True)


def _ensure_equal(route: Route, floor_path: str, deployment: Deployment) -> None:
    application, floor = (
        httpx.get(address, headers=dict(route.headers), timeout=TIMEOUT)
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
        server = deployment.floor if is_floor else deployment.application
        for title, path in paths.items():
            if options.wants(title):
                request = partial(write_request, title, path, deployment)
                yield Measurement(title, deployment.size, server, request, not is_floor, is_floor)


def _measure_once(deployment: Deployment, options: Options, results: Results) -> None:
    if options.wants("API log-in"):
        results.log_ins = log_ins.measure(deployment.application.address, deployment.sample)
    if options.wants("page sizes"):
        results.page_sizes = page_sizes.measure(deployment)
    if options.wants(routes.UPLOAD):
        results.uploads = uploads.measure(deployment)
    if options.wants("console export"):
        results.export = exports.measure(deployment.application, deployment.headers)
    if options.wants("everything at once"):
        results.busy = busy.measure(deployment)
    if options.has_crowd:
        results.crowd = crowd.measure(deployment, options.users)


def _compare(deployment: Deployment, pace: Pace, results: Results, progress: Progress) -> None:
    """What others cannot answer in time is left out."""
    with comparison.others(deployment) as others:
        try:
            measure([*comparison.measurements(deployment, others)], pace, results, progress)
            results.sqladmin_export = comparison.export_seconds(others[comparison.SQLADMIN])
        except (WrongAnswer, httpx.TimeoutException) as error:
            logger.warning("Comparing has ended early: %s", error)
