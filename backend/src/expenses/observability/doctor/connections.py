"""The connections of the server's processes: their number, and the pooler in between."""

from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import CONNECTIONS_PER_PROCESS
from expenses.observability.doctor.connecting import CONNECTION_ERRORS, connected, words_of
from expenses.observability.doctor.findings import Finding, ok, problem, warning
from expenses.settings import Settings


async def check_pooler(connection: AsyncConnection, url: URL, settings: Settings) -> list[Finding]:
    """Detect a pooler, which gives its clients process ids of its own."""
    driver: Any = (await connection.get_raw_connection()).driver_connection
    number = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    is_there = driver.get_server_pid() != number
    if is_there and settings.database_pooler is None:
        return [await _unannounced_pooler(url)]
    if not is_there and settings.database_pooler is not None:
        return [
            warning(
                "DATABASE_POOLER",
                "is set, and DATABASE_URL leads to PostgreSQL itself: that works, but every "
                "statement is planned anew.",
                "Remove DATABASE_POOLER, or set DATABASE_URL to the address of the pooler.",
            )
        ]
    return [ok("DATABASE_POOLER", "is set, and a pooler is there.")] if is_there else []


def check_connections(facts: RowMapping, workers: int, settings: Settings) -> Finding:
    wanted = workers * CONNECTIONS_PER_PROCESS
    sum_up = (
        f"{workers} server process{'es' if workers > 1 else ''} may open {wanted} connections "
        f"({CONNECTIONS_PER_PROCESS} each)"
    )
    if settings.database_pooler is not None:
        return ok("connections", f"{sum_up}, all to the pooler; its max_client_conn is for them.")
    limits = ("connections", "connections_of_role", "connections_of_database")
    # -1 means no limit.
    most = min(facts[limit] for limit in limits if facts[limit] >= 0)
    if wanted > most:
        fewer = most // CONNECTIONS_PER_PROCESS
        return problem(
            "connections",
            f"{sum_up}, and the database has {most} for them.",
            f"Raise max_connections there to {wanted + 10} or more (and CONNECTION LIMIT of role "
            f"and database), {f'run {fewer} or fewer processes, ' if fewer else ''}"
            "or put PgBouncer between.",
        )
    return ok("connections", f"{sum_up}; the database has {most}.")


async def _unannounced_pooler(url: URL) -> Finding:
    remedy = "Set DATABASE_POOLER=transaction, or DATABASE_URL to the address of PostgreSQL itself."
    try:
        async with connected(url, None):
            pass
    except CONNECTION_ERRORS as error:
        return problem(
            "DATABASE_POOLER",
            "is not set, and DATABASE_URL leads to a pooler, which refuses the server's "
            f"connections: {words_of(error, url)}.",
            remedy,
        )
    return warning(
        "DATABASE_POOLER",
        "is not set, and DATABASE_URL leads to a pooler: with one that works by transaction, "
        "requests fail now and then.",
        remedy,
    )
