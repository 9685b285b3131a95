"""What is measured: companies of several sizes, each with the application and its floor."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import capture, databases, people, servers
from benchmarks.fill import Progress
from benchmarks.people import Keys, Sample
from benchmarks.routes import DEEP, reading_routes
from benchmarks.servers import Running
from expenses.database.embedded import Server


@dataclass(frozen=True)
class Subject:
    """A company of one size, and the two servers on its database."""

    size: int
    name: str
    database: str
    application: Running
    floor: Running
    sample: Sample
    keys: Keys


@contextmanager
def running(
    server: Server, sizes: list[int], folder: Path, progress: Progress
) -> Iterator[list[Subject]]:
    """All of them at once, so that they can be measured in turns."""
    with databases.copies(server, sizes, progress) as names, ExitStack() as stack:
        yield [
            stack.enter_context(_subject(size, name, server.url(name), folder))
            for size, name in names.items()
        ]


@contextmanager
def _subject(size: int, name: str, database: str, folder: Path) -> Iterator[Subject]:
    with servers.application(database, folder / f"{name}.log") as application:
        sample = asyncio.run(people.choose(database))
        keys = people.log_in(application.address, sample)
        deep = next(route for route in reading_routes(sample, keys) if route.name == DEEP)
        plan = folder / f"{name}.plan"
        asyncio.run(
            capture.capture(database, keys, deep_path=deep.path, ticket_id=sample.decided_id)
        ).save(plan)
        with servers.floor(database, plan, folder / f"{name}.floor.log") as floor:
            yield Subject(size, name, database, application, floor, sample, keys)
