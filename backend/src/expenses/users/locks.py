"""A lock per user that orders their actions and the end of their access.

Actions share it, so they run side by side. Suspending the user or changing their password takes it
exclusively: it waits for actions under way, and later ones wait for it.

Take it in a statement of its own, and read afterwards: a statement that waits for the lock still
sees the data as of its start, and so would find the user as before.
"""

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant, constant_text
from expenses.users.models import session_table, token_table


async def share_by_session(connection: AsyncConnection, token_hash: bytes) -> None:
    await connection.execute(_SHARE_BY_SESSION, {"token_hash": token_hash})


async def share_by_token(connection: AsyncConnection, token_hash: bytes) -> None:
    await connection.execute(_SHARE_BY_TOKEN, {"token_hash": token_hash})


async def share(connection: AsyncConnection, user_id: int) -> None:
    key = _key(literal(user_id, BigInteger))
    await connection.execute(select(func.pg_advisory_xact_lock_shared(key)))


async def take_alone(connection: AsyncConnection, user_id: int) -> None:
    """Not where the transaction shares it already: two of those would wait for each other."""
    key = _key(literal(user_id, BigInteger))
    await connection.execute(select(func.pg_advisory_xact_lock(key)))


async def change_employers(connection: AsyncConnection) -> None:
    """One at a time in the whole company: the last of two would else not know of the other."""
    key = func.hashtextextended(constant_text("employers"), constant(0))
    await connection.execute(select(func.pg_advisory_xact_lock(key)))


def _key(user_id: ColumnElement[int]) -> ColumnElement[int]:
    # Not a lock on the user's row: where Citus keeps copies of a table, it locks all its rows.
    return func.hashtextextended("user " + cast(user_id, Text), constant(0))


# Built once, since one of them is sent for every write.
_SHARE_BY_SESSION, _SHARE_BY_TOKEN = (
    select(func.pg_advisory_xact_lock_shared(_key(table.c.user_id))).where(
        table.c.token_hash == bindparam("token_hash")
    )
    for table in (session_table, token_table)
)
