"""Whether somebody logs in where they never have before, and telling them."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.history import record
from expenses.users.clients import storable
from expenses.users.models import known_program_table
from expenses.users.throttling import Caller
from expenses.users.warnings import warn

PROGRAM_IS_KNOWN_FOR = timedelta(days=365)


async def is_new_device(connection: AsyncConnection, user_id: int, caller: Caller) -> bool:
    """Say whether the user logs in there for the first time; it is known from now on.

    A browser is known by its cookie. Programs have none, and are known by their name and address.
    """
    if caller.device is not None and caller.device.user_id == user_id:
        return False
    if not caller.is_program:
        return True
    mark = hashlib.sha256(f"{caller.client}\0{caller.address}".encode(errors="replace")).digest()
    added = await connection.execute(
        insert(known_program_table)
        .values(user_id=user_id, mark=mark, known_until=datetime.now(UTC) + PROGRAM_IS_KNOWN_FOR)
        .on_conflict_do_nothing()
        .returning(known_program_table.c.mark)
    )
    return added.first() is not None


async def tell_of_new_device(connection: AsyncConnection, user_id: int, caller: Caller) -> None:
    """Record the log-in, and mail it to the user. The address is not kept for good."""
    client = storable(caller.client)
    event_id = await record(
        connection, "user.new_device", actor_id=user_id, user_id=user_id, client=client
    )
    await warn(
        connection,
        "user.new_device",
        user_id,
        event_id,
        client=client or "",
        address=storable(caller.address) or "",
    )


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(known_program_table).where(known_program_table.c.known_until < func.now())
    )
