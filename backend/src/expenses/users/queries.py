"""Every read of users."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.engine import LARGEST_ID
from expenses.database.statements import Statement
from expenses.errors import NotFound
from expenses.i18n.text import like
from expenses.users.models import Actor, Role, User, UserSession
from expenses.users.policy import can_see_employees, ensure_can_see_employees


class EmployeeStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class EmployeePage:
    """Newest first. `next_before` is the id to go on from, or None at the end."""

    items: Sequence[User]
    next_before: int | None


async def users_by_id(session: AsyncSession, ids: Iterable[int]) -> dict[int, User]:
    """For the software itself, which sends them messages; nobody is asked whether they may."""
    found = await session.scalars(select(User).where(User.id.in_(ids)))
    return {user.id: user for user in found}


async def find_user_by_email(session: AsyncSession, email: str) -> User | None:
    return await session.scalar(select(User).where(func.lower(User.email) == func.lower(email)))


async def get_employee(session: AsyncSession, employee_id: int, *, actor: Actor) -> User:
    ensure_can_see_employees(actor)
    return await _one(session, select(User), employee_id)


async def lock_employee(session: AsyncSession, employee_id: int) -> User:
    """The employee, kept from everybody else's changes until the end of the transaction.

    A full lock: it also waits for the employee's own writes under way, which hold a key share.
    """
    query = select(User).with_for_update().execution_options(populate_existing=True)
    return await _one(session, query, employee_id)


async def list_employees(
    session: AsyncSession,
    *,
    actor: Actor,
    status: EmployeeStatus | None = None,
    text: str | None = None,
    before: int | None = None,
    limit: int,
) -> EmployeePage:
    """`text` is looked for in names and e-mails."""
    ensure_can_see_employees(actor)
    query = select(User).where(User.role == Role.EMPLOYEE)
    if status is not None:
        query = query.where(_has(status))
    if text:
        query = query.where(_mentions(text))
    if before is not None:
        query = query.where(User.id < before)
    users = (await session.scalars(query.order_by(User.id.desc()).limit(limit + 1))).all()
    page = users[:limit]
    return EmployeePage(page, page[-1].id if len(users) > limit else None)


async def count_employees(
    session: AsyncSession, *, actor: Actor, text: str | None = None, most: int
) -> dict[EmployeeStatus, int]:
    """How many have each status, of those whose name or e-mail holds `text`; `most` + 1 at most."""
    ensure_can_see_employees(actor)
    found = [User.role == Role.EMPLOYEE, *([_mentions(text)] if text else [])]
    counts = [
        select(func.count())
        .select_from(select(User.id).where(*found, _has(status)).limit(most + 1).subquery())
        .scalar_subquery()
        for status in EmployeeStatus
    ]
    row = (await session.execute(select(*counts))).one()
    return dict(zip(EmployeeStatus, row, strict=True))


async def count_sessions(session: AsyncSession, employee_id: int, *, actor: Actor) -> int:
    """In how many places an employee is logged in."""
    ensure_can_see_employees(actor)
    query = (
        select(func.count())
        .select_from(UserSession)
        .where(UserSession.user_id == employee_id, UserSession.expires_at > func.now())
    )
    return (await session.execute(query)).scalar_one()


async def find_employees_called(session: AsyncSession, name: str, *, actor: Actor) -> list[int]:
    """The ids of those with exactly this e-mail, name or id, whatever the case; at most two.

    An employee knows only of themselves.
    """
    query = select(User.id).where(User.role == Role.EMPLOYEE, _is_called(name))
    if not can_see_employees(actor):
        query = query.where(User.id == actor.id)
    return list(await session.scalars(query.limit(2)))


async def find_users_called(session: AsyncSession, name: str, *, actor: Actor) -> list[int]:
    """As `find_employees_called`, for employers alone, and employers are found too."""
    ensure_can_see_employees(actor)
    return list(await session.scalars(select(User.id).where(_is_called(name)).limit(2)))


async def ids_of_employees_like(session: AsyncSession, text: str, *, actor: Actor) -> list[int]:
    """The employees whose name or e-mail holds a text; for an employee, nobody."""
    if not can_see_employees(actor):
        return []
    return [row[0] for row in await _LIKE.rows(session, pattern=like(text))]


def _has(status: EmployeeStatus) -> ColumnElement[bool]:
    if status is EmployeeStatus.ACTIVE:
        return User.suspended_at.is_(None)
    return User.suspended_at.is_not(None)


def _mentions(text: str) -> ColumnElement[bool]:
    return _are_like(like(text))


def _are_like(pattern: Any) -> ColumnElement[bool]:
    return or_(User.username.ilike(pattern), User.email.ilike(pattern))


_LIKE = Statement(
    select(User.id).where(
        User.role == literal_column(f"'{Role.EMPLOYEE}'"), _are_like(bindparam("pattern"))
    ),
    is_planned_anew=True,
)


def _is_called(name: str) -> ColumnElement[bool]:
    called = [func.lower(column) == func.lower(name) for column in (User.email, User.username)]
    if name.isascii() and name.isdecimal() and len(name) < 20 and int(name) <= LARGEST_ID:
        called.append(User.id == int(name))
    return or_(*called)


async def _one(session: AsyncSession, query: Select[User], employee_id: int) -> User:
    if not 0 < employee_id <= LARGEST_ID:
        raise NotFound()
    employee = await session.scalar(query.where(User.id == employee_id, User.role == Role.EMPLOYEE))
    if employee is None:
        raise NotFound()
    return employee
