"""Health checks: whether the process is alive, and whether it can do its work."""

import asyncio

from fastapi import APIRouter

from expenses.database import migrations
from expenses.errors import DatabaseUnavailable
from expenses.web.dependencies import DatabaseDependency
from expenses.web.openapi import problems

router = APIRouter(tags=["health"])

# Shorter than what a load balancer waits.
TIMEOUT_SECONDS = 3


class MigrationsMissing(DatabaseUnavailable):
    code = "migrations-missing"
    template = "The database is not on this version's migrations. Run `expenses migrate`."


@router.get("/health")
async def health() -> dict[str, str]:
    """The process lives."""
    return {"status": "ok"}


@router.get("/ready", responses=problems(MigrationsMissing))
async def ready(database: DatabaseDependency) -> dict[str, str]:
    """The database answers and its migrations are current."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), database.reading() as connection:
            revision = await migrations.current_revision(connection)
    except TimeoutError:
        raise DatabaseUnavailable() from None
    if revision != migrations.NEWEST:
        raise MigrationsMissing()
    return {"status": "ready"}
