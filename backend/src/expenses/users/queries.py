"""Reads of users."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import MAX_ID, constant, constant_text, ensure_possible
from expenses.errors import NotFound
from expenses.history import UNDO_PERIOD, event_table
from expenses.i18n.text import folded, like
from expenses.users import locks
from expenses.users.identity import email_identity
from expenses.users.models import Actor, Role, session_table, user_table
from expenses.users.policy import can_see_employees, ensure_can_see_employees


class EmployeeStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class UserView(NamedTuple):
    """A user as lists and pages show them: everything but the password hash."""

    id: int
    email: str
    username: str
    role: Role
    suspended_at: datetime | None
    created_at: datetime
    gets_mails: bool
    language: str | None
    erased_at: datetime | None


VIEW = tuple(user_table.c[name] for name in UserView._fields)


class StoredPassword(NamedTuple):
    """`hash` is None for those who log in by single sign-on alone."""

    user_id: int
    email: str
    hash: str | None


@dataclass(frozen=True)
class UserPage:
    """Newest first. `next_before` is the id to go on from, or None at the end."""

    items: Sequence[UserView]
    next_before: int | None


async def users_by_id(connection: AsyncConnection, ids: Iterable[int]) -> dict[int, UserView]:
    """Find users for the software itself, whose messages they get; no actor is asked for."""
    rows = await connection.execute(select(*VIEW).where(user_table.c.id.in_(ids)))
    return {row.id: UserView._make(row) for row in rows}


async def find_password(connection: AsyncConnection, email: str) -> StoredPassword | None:
    """Find who logs in with an e-mail; nobody who was erased."""
    as_typed = func.lower(user_table.c.email) == func.lower(email)
    query = (
        select(user_table.c.id, user_table.c.email, user_table.c.password_hash)
        .where(
            or_(user_table.c.email_identity == email_identity(email), as_typed),
            user_table.c.erased_at.is_(None),
        )
        .order_by(as_typed.desc())
    )
    row = (await connection.execute(query)).first()
    return StoredPassword._make(row) if row else None


async def get_employee(connection: AsyncConnection, employee_id: int, *, actor: Actor) -> UserView:
    ensure_can_see_employees(actor)
    return await _one(connection, select(*VIEW), employee_id)


async def get_user(connection: AsyncConnection, user_id: int, *, actor: Actor) -> UserView:
    """Find an employer as well as an employee. Raises `NotFound`, `Forbidden`."""
    ensure_can_see_employees(actor)
    ensure_possible(user_id)
    user = (await users_by_id(connection, [user_id])).get(user_id)
    if user is None:
        raise NotFound()
    return user


async def get_employer(connection: AsyncConnection, employer_id: int, *, actor: Actor) -> UserView:
    user = await get_user(connection, employer_id, actor=actor)
    if user.role is not Role.EMPLOYER:
        raise NotFound()
    return user


async def list_employers(
    connection: AsyncConnection, *, actor: Actor, before: int | None = None, limit: int
) -> UserPage:
    """List employers, also those who left, newest first."""
    ensure_can_see_employees(actor)
    query = select(*VIEW).where(user_table.c.role == constant(Role.EMPLOYER))
    return await _page(connection, query, before, limit)


async def other_employers(connection: AsyncConnection, *, actor: Actor, most: int) -> list[str]:
    """Name active employers but for the actor: who decides the actor's own tickets."""
    query = (
        select(user_table.c.username)
        .where(
            user_table.c.role == Role.EMPLOYER,
            user_table.c.suspended_at.is_(None),
            user_table.c.id != actor.id,
        )
        .order_by(user_table.c.id)
        .limit(constant(most))
    )
    return list(await connection.scalars(query))


async def lock_employee(connection: AsyncConnection, employee_id: int) -> UserView:
    """Wait for what the employee is doing, and keep them from more until the transaction ends.

    Looked for before as well: only employees are locked, so that no two employers who try it with
    each other wait for each other.
    """
    await _one(connection, select(*VIEW), employee_id)
    await locks.take_alone(connection, employee_id)
    return await _one(connection, select(*VIEW), employee_id)


async def list_employees(
    connection: AsyncConnection,
    *,
    actor: Actor,
    status: EmployeeStatus | None = None,
    text: str | None = None,
    before: int | None = None,
    limit: int,
) -> UserPage:
    """List employees, newest first; `text` is searched for in names and e-mails."""
    ensure_can_see_employees(actor)
    query = select(*VIEW).where(user_table.c.role == Role.EMPLOYEE)
    if status is not None:
        query = query.where(_has(status))
    if text:
        query = query.where(_mentions(text))
    return await _page(connection, query, before, limit)


async def count_employees(
    connection: AsyncConnection, *, actor: Actor, text: str | None = None, most: int
) -> dict[EmployeeStatus, int]:
    """Count employees by status, up to `most` + 1, whose name or e-mail contains `text`."""
    ensure_can_see_employees(actor)
    found = [user_table.c.role == Role.EMPLOYEE, *([_mentions(text)] if text else [])]
    counts = [
        select(func.count())
        .select_from(
            select(user_table.c.id).where(*found, _has(status)).limit(constant(most + 1)).subquery()
        )
        .scalar_subquery()
        for status in EmployeeStatus
    ]
    row = (await connection.execute(select(*counts))).one()
    return dict(zip(EmployeeStatus, row, strict=True))


async def count_sessions(connection: AsyncConnection, employee_id: int, *, actor: Actor) -> int:
    """Count an employee's open sessions."""
    ensure_can_see_employees(actor)
    query = (
        select(func.count())
        .select_from(session_table)
        .where(session_table.c.user_id == employee_id, session_table.c.expires_at > func.now())
    )
    return (await connection.execute(query)).scalar_one()


async def has_just_suspended(
    connection: AsyncConnection, employee_id: int, *, actor: Actor
) -> bool:
    """Say whether the last thing done to an employee was a suspension by `actor`, minutes ago."""
    query = (
        select(event_table.c.action, event_table.c.actor_id, event_table.c.at)
        .where(event_table.c.user_id == employee_id)
        .order_by(event_table.c.id.desc())
        .limit(constant(1))
    )
    last = (await connection.execute(query)).first()
    if last is None or (last.action, last.actor_id) != ("user.suspended", actor.id):
        return False
    return bool(last.at > datetime.now(UTC) - UNDO_PERIOD)


async def taken_out_of_runs(connection: AsyncConnection, employee_id: int) -> dict[str, int]:
    """Return how many tickets the last suspension took out of which payment runs."""
    query = (
        select(event_table.c.details)
        .where(event_table.c.user_id == employee_id, event_table.c.action == "user.suspended")
        .order_by(event_table.c.id.desc())
        .limit(constant(1))
    )
    details = await connection.scalar(query) or {}
    runs: dict[str, int] = details.get("taken_out_of_payment_runs", {})
    return runs


async def find_users_named(connection: AsyncConnection, name: str, *, actor: Actor) -> list[int]:
    """Find at most two users with exactly this e-mail, name or id, whatever the case.

    Employers as well: they may have tickets from when they were employees. An employee finds only
    themselves.
    """
    query = select(user_table.c.id).where(_is_named(name))
    if not can_see_employees(actor):
        query = query.where(user_table.c.id == actor.id)
    return list(await connection.scalars(query.limit(2)))


async def search_users(
    connection: AsyncConnection, text: str, *, actor: Actor, limit: int
) -> list[UserView]:
    """Find employers as well as employees whose name or e-mail contains a text, newest first."""
    ensure_can_see_employees(actor)
    query = select(*VIEW).where(_mentions(text)).order_by(user_table.c.id.desc())
    rows = await connection.execute(query.limit(constant(limit)))
    return [UserView._make(row) for row in rows]


async def search_user_ids(connection: AsyncConnection, text: str, *, actor: Actor) -> list[int]:
    """Find users whose name or e-mail contains a text; none for an employee."""
    if not can_see_employees(actor):
        return []
    return list(await connection.scalars(select(user_table.c.id).where(_mentions(text))))


def _has(status: EmployeeStatus) -> ColumnElement[bool]:
    if status is EmployeeStatus.ACTIVE:
        return user_table.c.suspended_at.is_(None)
    return user_table.c.suspended_at.is_not(None)


def _mentions(text: str) -> ColumnElement[bool]:
    pattern = constant_text(like(text))
    return or_(
        func.folded(user_table.c.username).like(pattern),
        func.folded(user_table.c.email).like(pattern),
    )


def _is_named(name: str) -> ColumnElement[bool]:
    called = [
        func.lower(user_table.c.email) == func.lower(name),
        func.folded(user_table.c.username) == folded(name),
    ]
    if name.isascii() and name.isdecimal() and len(name) < 20 and int(name) <= MAX_ID:
        called.append(user_table.c.id == int(name))
    return or_(*called)


async def _page(
    connection: AsyncConnection, query: Select[*tuple[Any, ...]], before: int | None, limit: int
) -> UserPage:
    if before is not None:
        query = query.where(user_table.c.id < before)
    rows = await connection.execute(
        query.order_by(user_table.c.id.desc()).limit(constant(limit + 1))
    )
    users = [UserView._make(row) for row in rows]
    return UserPage(users[:limit], users[limit - 1].id if len(users) > limit else None)


async def _one(
    connection: AsyncConnection, query: Select[*tuple[Any, ...]], employee_id: int
) -> UserView:
    ensure_possible(employee_id)
    found = await connection.execute(
        query.where(user_table.c.id == employee_id, user_table.c.role == Role.EMPLOYEE)
    )
    row = found.first()
    if row is None:
        raise NotFound()
    return UserView._make(row)
