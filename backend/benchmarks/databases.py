"""The filled databases in the data folder, and the copies that a run reads and writes."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.company import FOLDER
from benchmarks.fill import Progress, connected, fill
from expenses.database import migrations
from expenses.database.embedded import Server


@contextmanager
def copy(server: Server, size: int, progress: Progress) -> Iterator[str]:
    """Copy the filled database of this size, so that the next run begins with the same data."""
    filled, name = f"company_{size}", f"run_{size}"
    asyncio.run(_ensure_filled(server, filled, size, progress))
    # Filled by an earlier version, maybe.
    migrations.upgrade(server.url(filled))
    _administer(
        server,
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"CREATE DATABASE {name} TEMPLATE {filled} STRATEGY FILE_COPY",
        "CHECKPOINT",
    )
    try:
        yield server.url(name)
    finally:
        _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def add_pending_tickets(address: str, owner_id: int, number: int) -> range:
    """A ticket can be approved only once, so each measurement needs new ones; returns their ids."""
    statement = (FOLDER / "pending.sql").read_text("utf-8")
    async with connected(address) as connection:
        first, last = await connection.fetchrow(statement, owner_id, number)
    return range(first, last + 1)


async def version(server: Server) -> str:
    async with connected(server.url("postgres")) as connection:
        return str(await connection.fetchval("SHOW server_version"))


async def _ensure_filled(server: Server, name: str, size: int, progress: Progress) -> None:
    """Fill under another name first: what was interrupted is not taken for a filled database."""
    async with connected(server.url("postgres")) as connection:
        if await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name
        ):
            return
        unfinished = f"unfinished_{size}"
        await connection.execute(f"DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {unfinished}")
        await asyncio.to_thread(migrations.upgrade, server.url(unfinished))
        await fill(server.url(unfinished), size, progress)
        await connection.execute(f"ALTER DATABASE {unfinished} RENAME TO {name}")


def _administer(server: Server, *statements: str) -> None:
    async def execute() -> None:
        async with connected(server.url("postgres")) as connection:
            for statement in statements:
                await connection.execute(statement)

    asyncio.run(execute())
