"""One run: everything measured in turns, so that what disturbs the machine disturbs all alike."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from benchmarks import databases, exports, log_ins, machine, supply
from benchmarks.fill import Progress
from benchmarks.jobs import Job, reading_jobs, writing_jobs
from benchmarks.load import Request, WrongAnswers, run_paced, run_wrk
from benchmarks.processors import Clock
from benchmarks.results import Results
from benchmarks.routes import PATIENCE, NotAsExpected, Route, reading_routes
from benchmarks.subjects import Subject, running
from expenses.database.embedded import Server

CLIENTS = (1, 8)
WARM_UP_SECONDS = 1
COUNTED_REQUESTS = 10
FEWEST_LOG_IN_SECONDS = 10
# Routes that are also asked at a fixed rate: half of what eight clients got.
PACED = ("API list, first page", "API ticket", "portal list", "console list, pending")
EXPORT, LOG_IN = "console export", "API log-in"


@dataclass(frozen=True)
class Options:
    sizes: list[int]
    rounds: int
    seconds: int
    only: str
    data_dir: Path

    def wants(self, title: str) -> bool:
        return re.search(self.only, title, re.IGNORECASE) is not None


def run(options: Options, progress: Progress) -> Results:
    with databases.postgres(options.data_dir) as server:
        found = machine.describe(asyncio.run(databases.version(server)))
        results = Results(found, options.sizes, options.rounds, options.seconds)
        with running(server, options.sizes, options.data_dir, progress) as subjects:
            _Run(server, subjects, options, results, progress).everything()
    return results


class _Run:
    def __init__(
        self,
        server: Server,
        subjects: list[Subject],
        options: Options,
        results: Results,
        progress: Progress,
    ) -> None:
        self._server, self._subjects, self._options = server, subjects, options
        self._results, self._progress = results, progress
        # A warm-up's requests a second, by which tickets to approve are laid ready.
        self._rates: dict[tuple[str, bool], float] = {}

    def everything(self) -> None:
        """Reads first: what is written afterwards would change what they read."""
        reads = self._reading_jobs()
        self._measure("Reads", reads)
        self._pace(reads)
        if self._options.wants(LOG_IN):
            self._log_in()
        if self._options.wants(EXPORT):
            self._export()
        self._measure("Writes", self._writing_jobs())
        for subject in self._subjects:
            self._results.memory[subject.size] = subject.application.memory()

    # What there is to measure

    def _reading_jobs(self) -> list[Job]:
        jobs = []
        for subject in self._subjects:
            for route in reading_routes(subject.sample, subject.keys):
                if self._options.wants(route.title):
                    self._note(route)
                    with self._noting(route.title, subject):
                        jobs += reading_jobs(subject, route)
        return jobs

    def _note(self, route: Route) -> None:
        if route.is_list:
            self._results.lists.add(route.title)
            if route.door == "console" and not route.is_search:
                self._results.console_tabs.add(route.title)

    def _writing_jobs(self) -> list[Job]:
        jobs = [job for subject in self._subjects for job in writing_jobs(subject)]
        return [job for job in jobs if self._options.wants(job.title)]

    # Measuring

    def _measure(self, step: str, jobs: list[Job]) -> None:
        by_title: dict[str, list[Job]] = {}
        for job in jobs:
            by_title.setdefault(job.title, []).append(job)
        self._count_statements(jobs)
        for job in jobs:
            with self._noting(job.title, job.subject):
                self._warm_up(job)
        for number in range(self._options.rounds):
            for together in by_title.values():
                for clients in CLIENTS:
                    # Nobody always comes first.
                    for job in together if number % 2 else reversed(together):
                        with self._noting(job.title, job.subject):
                            self._measure_once(job, clients)
                self._progress(step, 1, self._options.rounds * len(by_title))

    @contextmanager
    def _noting(self, title: str, subject: Subject) -> Iterator[None]:
        """Of what answers wrongly no figure is given, and the rest is measured all the same."""
        try:
            yield
        except (NotAsExpected, WrongAnswers) as error:
            problem = error.message.removeprefix(f"{title}: ")
            self._results.fail(title, subject.size, problem)

    def _measure_once(self, job: Job, clients: int) -> None:
        if (job.title, job.subject.size) in self._results.failures:
            return
        seconds = self._options.seconds
        needed = self._rates[job.title, job.is_floor] * seconds * 2 + 100
        request = job.request(int(needed))
        clock = Clock(job.server.process.pid, self._options.data_dir)
        before = clock.read()
        load = run_wrk(job.address, request, clients=clients, seconds=seconds)
        server, database = (
            (late - early) / load.requests for early, late in zip(before, clock.read(), strict=True)
        )
        load = replace(load, server=server, database=database)
        self._results.loads[job.measured(str(clients))].append(load)

    def _warm_up(self, job: Job) -> None:
        if (job.title, job.subject.size) in self._results.failures:
            return
        request = job.request(supply.MOST_PER_SECOND * WARM_UP_SECONDS)
        load = run_wrk(job.address, request, clients=CLIENTS[-1], seconds=WARM_UP_SECONDS)
        known = self._rates.get((job.title, job.is_floor), 0.0)
        self._rates[job.title, job.is_floor] = max(known, load.rate)

    def _pace(self, jobs: list[Job]) -> None:
        largest = self._subjects[-1]
        for job in jobs:
            if job.title in PACED and job.subject is largest and not job.is_floor:
                load = self._results.load(job.measured(str(CLIENTS[-1])))
                if load is None:
                    continue
                rate = max(1, round(load.rate / 2))
                paced = run_paced(
                    job.address, job.request(0), rate=rate, seconds=self._options.seconds * 2
                )
                self._results.loads[job.measured(f"{rate}/s")].append(paced)

    def _log_in(self) -> None:
        largest = self._subjects[-1]
        for _ in range(self._options.rounds):
            # One log-in takes a second where eight are under way.
            seconds = max(FEWEST_LOG_IN_SECONDS, self._options.seconds)
            with self._noting(LOG_IN, largest):
                self._results.log_ins.append(
                    log_ins.measure(largest.application.address, largest.sample, seconds=seconds)
                )
            self._progress("Log-ins", 1, self._options.rounds)

    def _export(self) -> None:
        largest = self._subjects[-1]
        with self._noting(EXPORT, largest):
            self._results.export = exports.measure(largest.application, largest.keys)

    def _count_statements(self, jobs: list[Job]) -> None:
        """At the largest company; the number does not depend on the size."""
        largest = self._subjects[-1]
        with databases.counting(self._server):
            for job in jobs:
                if job.subject is largest:
                    with self._noting(job.title, job.subject):
                        self._results.statements[job.title, job.is_floor] = self._statements(job)

    def _statements(self, job: Job) -> float:
        request = job.request(COUNTED_REQUESTS + 1)
        with httpx.Client(base_url=job.address, timeout=PATIENCE) as client:
            _send(client, request, 0)
            before = asyncio.run(databases.calls(self._server, job.subject.name))
            for number in range(1, COUNTED_REQUESTS + 1):
                _send(client, request, number)
            after = asyncio.run(databases.calls(self._server, job.subject.name))
        return (after - before) / COUNTED_REQUESTS


def _send(client: httpx.Client, request: Request, number: int) -> None:
    path = request.path % request.numbers[number] if request.numbers else request.path
    content = request.bodies[0] if request.bodies else None
    answer = client.request(request.method, path, headers=dict(request.headers), content=content)
    if answer.status_code != request.status:
        raise NotAsExpected(route=path, problem=f"status {answer.status_code}")
