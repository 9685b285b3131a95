"""Taking the second factor away from whoever has lost it."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import NotRegistered
from expenses.history import record
from expenses.users import locks
from expenses.users.models import Actor
from expenses.users.policy import ensure_can_suspend
from expenses.users.queries import UserView, find_password, lock_employee, users_by_id
from expenses.users.second_factor.models import (
    passkey_table,
    pending_log_in_table,
    recovery_code_table,
)
from expenses.users.sessions import end_sessions
from expenses.users.warnings import warn


async def reset_for_employee(
    connection: AsyncConnection, employee_id: int, *, actor: Actor
) -> UserView:
    """Raises `Forbidden`, `NotFound`."""
    ensure_can_suspend(actor)
    employee = await lock_employee(connection, employee_id)
    await _reset(connection, employee.id, actor_id=actor.id)
    return employee


async def reset_by_command(connection: AsyncConnection, email: str) -> UserView:
    """Reset it for whoever has access to the server. Raises `NotRegistered`."""
    found = await find_password(connection, email)
    if found is None:
        raise NotRegistered()
    await locks.take_alone(connection, found.user_id)
    await _reset(connection, found.user_id, actor_id=found.user_id, by_command=True)
    return (await users_by_id(connection, [found.user_id]))[found.user_id]


async def remove_factors(connection: AsyncConnection, user_id: int) -> None:
    """Remove passkeys, codes and log-ins under way; what it is done for says so in the history."""
    for table in (passkey_table, recovery_code_table, pending_log_in_table):
        await connection.execute(delete(table).where(table.c.user_id == user_id))


async def _reset(
    connection: AsyncConnection, user_id: int, *, actor_id: int, **details: bool
) -> None:
    """Remove passkeys and codes, and end the sessions: the device may be in other hands."""
    await remove_factors(connection, user_id)
    ended = await end_sessions(connection, user_id)
    action = "user.second_factor_reset"
    event_id = await record(
        connection, action, actor_id=actor_id, user_id=user_id, sessions_ended=ended, **details
    )
    await warn(connection, action, user_id, event_id)
