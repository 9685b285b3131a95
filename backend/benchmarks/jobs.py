"""What is asked of whom: a route of one company, of the application or of its floor."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx

from benchmarks import supply
from benchmarks.load import Request
from benchmarks.results import Measured
from benchmarks.routes import (
    APPROVE,
    CREATE,
    DEEP,
    FIRST,
    TICKET,
    NotAsExpected,
    Route,
    approve_request,
    checked,
    create_request,
)
from benchmarks.servers import Running
from benchmarks.subjects import Subject

# How many requests will be sent, at most; some can be sent only once.
Making = Callable[[int], Request]


@dataclass(frozen=True)
class Job:
    """`request` makes what is sent, for so many times."""

    title: str
    subject: Subject
    is_floor: bool
    request: Making

    @property
    def server(self) -> Running:
        return self.subject.floor if self.is_floor else self.subject.application

    @property
    def address(self) -> str:
        return self.server.address

    def measured(self, clients: str) -> Measured:
        return Measured(self.title, self.subject.size, clients, self.is_floor)


def reading_jobs(subject: Subject, route: Route) -> list[Job]:
    """Of the application, and of the floor where there is one, which has to answer the same.

    Raises `NotAsExpected`.
    """
    request = checked(route, subject.application.address)
    jobs = [Job(route.title, subject, False, lambda _number: request)]
    if route.has_floor:
        floors = replace(request, path=_floor_path(route, subject))
        _ensure_equal(route, subject, floors.path)
        jobs.append(Job(route.title, subject, True, lambda _number: floors))
    return jobs


def writing_jobs(subject: Subject) -> list[Job]:
    return [
        Job(f"API {name}", subject, is_floor, make(subject, is_floor=is_floor))
        for name, make in ((CREATE, _creates), (APPROVE, _approves))
        for is_floor in (False, True)
    ]


def _floor_path(route: Route, subject: Subject) -> str:
    ticket = f"/ticket/{subject.sample.decided_id}"
    return {FIRST: "/first", DEEP: "/deep", TICKET: ticket}[route.name]


def _ensure_equal(route: Route, subject: Subject, path: str) -> None:
    headers = dict(route.headers)
    floor = httpx.get(subject.floor.address + path, headers=headers).json()
    answer = httpx.get(subject.application.address + route.path, headers=headers).json()
    # Where the next page begins is left to the application.
    answer.pop("next", None)
    if floor != answer:
        raise NotAsExpected(route=route.title, problem="the floor gives another answer")


def _creates(subject: Subject, *, is_floor: bool) -> Making:
    request = create_request(subject.keys)
    if is_floor:
        request = replace(request, path="/create")
    return lambda _number: request


def _approves(subject: Subject, *, is_floor: bool) -> Making:
    def make(number: int) -> Request:
        owner_id = subject.sample.employee_id
        ids = supply.pending_tickets(subject.database, subject.size, owner_id, number)
        request = approve_request(subject.keys, ids)
        return replace(request, path="/approve/%d") if is_floor else request

    return make
