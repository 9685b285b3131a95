"""Shares one server between the processes that use its data folder."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from expenses.database.embedded import cluster as clusters
from expenses.database.embedded import data_folder, postmaster
from expenses.database.embedded.programs import binary, run
from expenses.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Server:
    """A running server, reached through a socket in a folder that only its user can enter."""

    socket_dir: Path

    def url(self, database: str = "expenses") -> str:
        """The address of one of its databases, for SQLAlchemy."""
        # With the port: else the driver would take that of PGPORT, which is about another server.
        host = quote(str(self.socket_dir), "")
        return f"postgresql+asyncpg://postgres@:5432/{database}?host={host}"


@contextmanager
def database_address(settings: Settings) -> Iterator[str]:
    """Yield the address in DATABASE_URL, else start the embedded server and yield its address."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with running(settings.data_dir) as server:
        yield server.url()


@contextmanager
def running(data_dir: Path, *, durable: bool = True) -> Iterator[Server]:
    """Use the server of a data folder, with the database "expenses"; start it if need be.

    Without `durable` a power cut may lose everything; for tests. Raises `CannotStart`.
    """
    data_dir = data_folder.prepare(data_dir)
    # Each user holds a shared lock: they count themselves, even when they are killed.
    with data_folder.open_private(data_dir / "postgres.users") as users:
        try:
            with data_folder.exclusive(data_dir), data_folder.explained_errors(data_dir):
                clusters.create_if_missing(data_dir / "postgres", durable=durable)
                socket_dir = postmaster.ensure_started(data_dir, durable=durable)
                _create_database(socket_dir)
                fcntl.flock(users, fcntl.LOCK_SH)
            yield Server(socket_dir)
        finally:
            _leave(data_dir, users)


def find_running(data_dir: Path) -> Server | None:
    """The server of a data folder where one runs. Starts, creates and changes nothing."""
    found = postmaster.find(data_dir.resolve() / "postgres")
    return Server(found.socket_dir) if found is not None and found.status == "ready" else None


def _create_database(socket_dir: Path) -> None:
    psql = [str(binary("psql")), "-h", str(socket_dir), "-U", "postgres", "-d", "postgres", "-XAtc"]
    if run([*psql, "SELECT 1 FROM pg_database WHERE datname = 'expenses'"]).strip() != "1":
        run([*psql, "CREATE DATABASE expenses"])


def _leave(data_dir: Path, users: IO[bytes]) -> None:
    try:
        with data_folder.exclusive(data_dir):
            if _is_last_user(users):
                postmaster.stop(data_dir / "postgres")
    except Exception:
        # Nothing is raised here: it would hide the error that made the application leave.
        logger.exception("PostgreSQL in %s was not stopped", data_dir)


def _is_last_user(users: IO[bytes]) -> bool:
    with suppress(BlockingIOError), users:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
