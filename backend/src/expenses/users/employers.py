"""Who is an employer: roles change, and employers leave. At least one always stays active.

Employers are changed one at a time: of two who take each other away at once, the second finds that
they are none any more. Their own lock is not held: two of them would wait for each other.
"""

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import (
    AlreadyErased,
    AlreadySuspended,
    LastEmployer,
    NotAnEmployer,
    NotFound,
    NotLoggedIn,
    NotRegistered,
    NotSuspended,
    RoleUnchanged,
)
from expenses.i18n.text import N_
from expenses.payments.lines import lock_runs_of
from expenses.settings import Settings
from expenses.users import locks
from expenses.users.actions import delete_links, end_access, record_change, restore_access
from expenses.users.models import Actor, Role, user_table
from expenses.users.policy import ensure_can_change_employers, ensure_can_deactivate
from expenses.users.queries import UserView, find_password, users_by_id
from expenses.users.second_factor.policy import must_have_second_factor
from expenses.users.sessions import end_sessions
from expenses.users.tokens import revoke_all


async def change_role(
    connection: AsyncConnection,
    user_id: int,
    role: Role,
    *,
    actor: Actor,
    settings: Settings,
    reason: str | None = None,
) -> UserView:
    """Make an employee an employer, or the reverse; their open sessions follow at once.

    They end where employers alone have to have a second factor, which nobody has shown in them.
    Raises `Forbidden`, `NotFound`, `RoleUnchanged`, `LastEmployer`, and `AlreadySuspended`.
    """
    await _lock_employers(connection, actor)
    user = await _lock(connection, user_id)
    return await _change_role(connection, user, role, settings, actor=actor, reason=reason)


async def deactivate(
    connection: AsyncConnection, employer_id: int, *, actor: Actor, reason: str | None = None
) -> UserView:
    """End the sessions of an employer who left, and keep them from logging in.

    Raises `Forbidden`, `NotFound`, `AlreadySuspended`.
    """
    await _lock_employers(connection, actor)
    employer = await _lock_employer(connection, employer_id)
    ensure_can_deactivate(actor, employer)
    return await _deactivate(connection, employer, actor=actor, reason=reason)


async def activate(
    connection: AsyncConnection, employer_id: int, *, actor: Actor, reason: str | None = None
) -> UserView:
    """Let an employer log in again. Raises `Forbidden`, `NotFound`, `NotSuspended`."""
    await _lock_employers(connection, actor)
    employer = await _lock_employer(connection, employer_id)
    return await _activate(connection, employer, actor=actor, reason=reason)


# Whoever has access to the server needs no account: the history names the user as the actor.


async def change_role_by_command(
    connection: AsyncConnection, email: str, role: Role, settings: Settings
) -> UserView:
    """Raises `NotRegistered`, and otherwise as `change_role` does."""
    user = await _lock_named(connection, email)
    return await _change_role(connection, user, role, settings, actor=user, by_command=True)


async def deactivate_by_command(connection: AsyncConnection, email: str) -> UserView:
    """Raises `NotRegistered`, `NotAnEmployer`, `AlreadySuspended`, `LastEmployer`."""
    employer = _employer(await _lock_named(connection, email))
    return await _deactivate(connection, employer, actor=employer, by_command=True)


async def activate_by_command(connection: AsyncConnection, email: str) -> UserView:
    """Raises `NotRegistered`, `NotAnEmployer`, `NotSuspended`."""
    employer = _employer(await _lock_named(connection, email))
    return await _activate(connection, employer, actor=employer, by_command=True)


async def _change_role(
    connection: AsyncConnection,
    user: UserView,
    role: Role,
    settings: Settings,
    *,
    actor: Actor,
    **details: Any,
) -> UserView:
    if user.role is role:
        raise RoleUnchanged(username=user.username)
    if user.suspended_at is not None:
        raise AlreadySuspended(
            N_("%(username)s cannot log in. Let them in again first."), username=user.username
        )
    if role is not Role.EMPLOYER:
        await _ensure_not_last(connection, user)
    await connection.execute(update(user_table).where(user_table.c.id == user.id).values(role=role))
    # They were made for what the user could see and do before.
    details |= await revoke_all(connection, user.id)
    await delete_links(connection, user.id)
    if must_have_second_factor(role, settings) and not must_have_second_factor(user.role, settings):
        details["sessions_ended"] = await end_sessions(connection, user.id)
    await record_change(
        connection, "user.role_changed", user, actor=actor, role=role.value, **details
    )
    return user._replace(role=role)


async def _deactivate(
    connection: AsyncConnection, employer: UserView, *, actor: Actor, **details: Any
) -> UserView:
    if employer.suspended_at is not None:
        raise AlreadySuspended(
            N_("%(username)s is already deactivated."), username=employer.username
        )
    await _ensure_not_last(connection, employer)
    return await end_access(connection, "user.deactivated", employer, actor=actor, **details)


async def _activate(
    connection: AsyncConnection, employer: UserView, *, actor: Actor, **details: Any
) -> UserView:
    if employer.erased_at is not None:
        raise AlreadyErased(username=employer.username)
    if employer.suspended_at is None:
        raise NotSuspended(N_("%(username)s is not deactivated."), username=employer.username)
    return await restore_access(connection, "user.activated", employer, actor=actor, **details)


async def _ensure_not_last(connection: AsyncConnection, employer: UserView) -> None:
    others = (
        select(user_table.c.id)
        .where(
            user_table.c.role == Role.EMPLOYER,
            user_table.c.suspended_at.is_(None),
            user_table.c.id != employer.id,
        )
        .limit(1)
    )
    if await connection.scalar(others) is None:
        raise LastEmployer(username=employer.username)


async def _lock_employers(connection: AsyncConnection, actor: Actor) -> None:
    """Wait for other changes, and look again who the actor is after them."""
    ensure_can_change_employers(actor)
    await locks.change_employers(connection)
    found = (await users_by_id(connection, [actor.id])).get(actor.id)
    if found is None or found.suspended_at is not None:
        raise NotLoggedIn()
    ensure_can_change_employers(found)


async def _lock(connection: AsyncConnection, user_id: int) -> UserView:
    """Wait for what the user is doing, and keep them from more until the transaction ends."""
    ensure_possible(user_id)
    # Whoever changes a payment run locks that first.
    await lock_runs_of(connection, user_id)
    await locks.take_alone(connection, user_id)
    user = (await users_by_id(connection, [user_id])).get(user_id)
    if user is None:
        raise NotFound()
    return user


async def _lock_employer(connection: AsyncConnection, user_id: int) -> UserView:
    user = await _lock(connection, user_id)
    if user.role is not Role.EMPLOYER:
        raise NotFound()
    return user


async def _lock_named(connection: AsyncConnection, email: str) -> UserView:
    await locks.change_employers(connection)
    found = await find_password(connection, email)
    if found is None:
        raise NotRegistered()
    return await _lock(connection, found.user_id)


def _employer(user: UserView) -> UserView:
    if user.role is not Role.EMPLOYER:
        raise NotAnEmployer(username=user.username)
    return user
