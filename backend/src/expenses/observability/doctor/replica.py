"""Checks of the replica. They only read."""

from expenses.database.address import place_of
from expenses.database.engine import Database
from expenses.database.errors import explained_problems
from expenses.database.replica import MAX_LAG_SECONDS, VARIABLE, lag_behind, position_of
from expenses.observability.doctor.findings import Finding


async def check_replica(replica_address: str, database_address: str) -> list[Finding]:
    async with Database(database_address, "transaction") as database:
        with explained_problems(database_address):
            position = await position_of(database)
    async with Database(replica_address, "transaction") as replica:
        with explained_problems(replica_address, VARIABLE):
            lag = await lag_behind(position, replica)
    found = f"The replica at {place_of(replica_address)} (DATABASE_REPLICA_URL)"
    if lag > MAX_LAG_SECONDS:
        return [
            Finding(
                "warning",
                f"{found} is more than {MAX_LAG_SECONDS} seconds behind: exports and the overview "
                "read from DATABASE_URL until it has caught up. Look at pg_stat_wal_receiver "
                "there, and at pg_stat_replication on its primary.",
            )
        ]
    return [Finding("ok", f"{found} is at most {lag:.1f} seconds behind.")]
