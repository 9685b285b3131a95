"""The PostgreSQL that is measured on, and its databases: a filled one of each size, and copies.

What a run writes, it writes into copies: the next one begins with the same companies.
"""

import asyncio
import hashlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import company, rows, words
from benchmarks.fill import Progress, connected, fill
from expenses.database import migrations
from expenses.database.embedded import Server, running

STATISTICS = "pg_stat_statements"
# Only what the requests themselves send, each BEGIN and COMMIT included.
CALLS = f"""
SELECT coalesce(sum(calls), 0)::int FROM {STATISTICS}
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = $1)
"""  # noqa: S608


@contextmanager
def postgres(data_dir: Path) -> Iterator[Server]:
    """The application's own PostgreSQL, as durable as always, able to count statements."""
    with running(data_dir) as server:
        if asyncio.run(_has_statistics(server)):
            yield server
            return
    # It takes this setting only when it starts.
    with running(data_dir) as server:
        asyncio.run(_execute(server, f"CREATE EXTENSION IF NOT EXISTS {STATISTICS}"))
        yield server


@contextmanager
def copies(server: Server, sizes: list[int], progress: Progress) -> Iterator[dict[int, str]]:
    """The names of databases with companies of these sizes, which nobody needs afterwards."""
    names = {size: f"run_{size}" for size in sizes}
    for size in sizes:
        filled = _ensure_filled(server, size, progress)
        _drop(server, names[size])
        asyncio.run(
            _execute(server, f"CREATE DATABASE {names[size]} TEMPLATE {filled} STRATEGY FILE_COPY")
        )
    asyncio.run(_execute(server, "CHECKPOINT"))
    try:
        yield names
    finally:
        for name in names.values():
            _drop(server, name)


async def version(server: Server) -> str:
    async with connected(server.url("postgres")) as connection:
        return str(await connection.fetchval("SHOW server_version"))


@contextmanager
def counting(server: Server) -> Iterator[None]:
    """Statements are counted only meanwhile, since counting costs time."""
    asyncio.run(_track(server, "top"))
    try:
        yield
    finally:
        asyncio.run(_track(server, "none"))


async def calls(server: Server, database: str) -> int:
    """How many statements a database has been sent while they were counted."""
    async with connected(server.url("postgres")) as connection:
        return int(await connection.fetchval(CALLS, database))


async def _has_statistics(server: Server) -> bool:
    async with connected(server.url("postgres")) as connection:
        if await connection.fetchval("SHOW shared_preload_libraries") == STATISTICS:
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {STATISTICS}")
            return True
        await connection.execute(f"ALTER SYSTEM SET shared_preload_libraries = '{STATISTICS}'")
        return False


async def _track(server: Server, what: str) -> None:
    async with connected(server.url("postgres")) as connection:
        await connection.execute(f"ALTER SYSTEM SET {STATISTICS}.track = '{what}'")
        await connection.execute("SELECT pg_reload_conf()")


def _ensure_filled(server: Server, size: int, progress: Progress) -> str:
    """A filled database of this size, from an earlier run where there is one."""
    name = f"company_{size}_{_digest()}"
    if name not in asyncio.run(_names(server)):
        _drop_outdated(server, size)
        asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
    address = server.url(name)
    migrations.upgrade(address)
    if asyncio.run(_is_empty(address)):
        asyncio.run(fill(address, size, progress))
    return name


def _digest() -> str:
    """Of how companies are made: an older one does not do."""
    source = "".join(map(inspect.getsource, (company, rows, words)))
    return hashlib.sha256(source.encode()).hexdigest()[:8]


def _drop_outdated(server: Server, size: int) -> None:
    for name in asyncio.run(_names(server)):
        if name.startswith(f"company_{size}_"):
            _drop(server, name)


def _drop(server: Server, name: str) -> None:
    asyncio.run(_execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


async def _names(server: Server) -> list[str]:
    async with connected(server.url("postgres")) as connection:
        found = await connection.fetch("SELECT datname FROM pg_database")
        return [row["datname"] for row in found]


async def _is_empty(address: str) -> bool:
    async with connected(address) as connection:
        return not await connection.fetchval("SELECT EXISTS (SELECT FROM tickets)")


async def _execute(server: Server, statement: str) -> Any:
    async with connected(server.url("postgres")) as connection:
        return await connection.execute(statement)
