"""A database of one size, with the application and the floor running on it."""

import asyncio
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import databases, recording, routes, sample, servers
from benchmarks.fill import Progress
from benchmarks.load import Request
from benchmarks.sample import Headers, Sample
from benchmarks.servers import RunningServer
from expenses.database.embedded import Server


@dataclass(frozen=True)
class Deployment:
    """`log` is where the application writes; `receipt_path` is that of one of 1 MB."""

    size: int
    database: str
    application: RunningServer
    floor: RunningServer
    sample: Sample
    headers: Headers
    receipt_path: str
    log: Path


@contextmanager
def deployed(postgres: Server, size: int, folder: Path, progress: Progress) -> Iterator[Deployment]:
    log, recorded = folder / f"run_{size}.log", folder / f"run_{size}.recording"
    with (
        databases.copy(postgres, size, progress) as database,
        TemporaryDirectory(prefix=f"run_{size}_", dir=folder) as files,
        servers.started(servers.APPLICATION, database, log, DATA_DIR=files) as application,
    ):
        chosen = asyncio.run(sample.choose(database))
        headers = sample.log_in(application.address, chosen)
        made = asyncio.run(recording.record(database, headers, chosen, Path(files)))
        recorded.write_bytes(pickle.dumps(made))
        floor_log, command = log.with_suffix(".floor.log"), (*servers.FLOOR, str(recorded))
        with servers.started(command, database, floor_log, DATA_DIR=files) as floor:
            yield Deployment(
                *(size, database, application, floor, chosen, headers, made.receipt_path, log)
            )


def write_request(title: str, path: str, deployment: Deployment, times: int) -> Request:
    """Return the request that creates or approves; for each time, there is a ticket to approve."""
    if title == routes.CREATE:
        return routes.create_request(deployment.headers, path)
    owner_id = deployment.sample.employee_id
    ids = asyncio.run(databases.add_pending_tickets(deployment.database, owner_id, times))
    return routes.approve_request(deployment.headers, path, ids)
