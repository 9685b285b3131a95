"""Employers, for each other: who they are, letting them leave, and changing roles."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from expenses.api import schemas as shapes
from expenses.api.schemas import EmployeeList, Suspension, UserAnswer
from expenses.errors import (
    AlreadySuspended,
    Forbidden,
    InvalidInput,
    LastEmployer,
    NotFound,
    NotSuspended,
    RoleUnchanged,
)
from expenses.users import employers, queries
from expenses.users.models import Role
from expenses.users.schemas import SuspensionReason
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
)
from expenses.web.openapi import read_problems, session_write_problems
from expenses.web.pagination import Cursor, decode_cursor, encode_cursor
from expenses.web.scopes import ReaderDependency

router = APIRouter(prefix="/api", tags=["employers"])


class RoleChange(shapes.Request):
    role: Role
    reason: Annotated[SuspensionReason, Field(min_length=1)] | None = None


async def get_unlocked_user(request: Request, database: DatabaseDependency) -> CurrentUser:
    """Find out who it is without keeping their lock: two who change each other would both wait."""
    async with database.reading() as connection:
        return await get_current_user(request, connection)


UnlockedUserDependency = Annotated[CurrentUser, Depends(get_unlocked_user)]


@router.get("/employers", responses=read_problems(Forbidden, InvalidInput))
async def list_employers(
    user: ReaderDependency,
    connection: ConnectionDependency,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Cursor | None = None,
) -> EmployeeList:
    """All employers, also those who left, the newest first."""
    page = await queries.list_employers(
        connection, actor=user, before=decode_cursor(cursor), limit=limit
    )
    items = [UserAnswer.of(employer) for employer in page.items]
    return EmployeeList(items=items, next=encode_cursor(page.next_before))


@router.get("/employers/{employer_id}", responses=read_problems(Forbidden, NotFound, InvalidInput))
async def get_employer(
    employer_id: int, user: ReaderDependency, connection: ConnectionDependency
) -> UserAnswer:
    """One employer; `suspended` is whether they are deactivated."""
    return UserAnswer.of(await queries.get_employer(connection, employer_id, actor=user))


@router.post(
    "/employers/{employer_id}/deactivate",
    responses=session_write_problems(
        Forbidden, NotFound, AlreadySuspended, LastEmployer, InvalidInput
    ),
)
async def deactivate_employer(
    employer_id: int,
    user: UnlockedUserDependency,
    database: DatabaseDependency,
    body: Suspension | None = None,
) -> UserAnswer:
    """End all sessions of another employer and keep them from logging in."""
    async with database.transaction() as connection:
        employer = await employers.deactivate(
            connection, employer_id, actor=user, reason=body.reason if body else None
        )
    return UserAnswer.of(employer)


@router.post(
    "/employers/{employer_id}/activate",
    responses=session_write_problems(Forbidden, NotFound, NotSuspended, InvalidInput),
)
async def activate_employer(
    employer_id: int,
    user: UnlockedUserDependency,
    database: DatabaseDependency,
    body: Suspension | None = None,
) -> UserAnswer:
    """Let a deactivated employer in again."""
    async with database.transaction() as connection:
        employer = await employers.activate(
            connection, employer_id, actor=user, reason=body.reason if body else None
        )
    return UserAnswer.of(employer)


@router.put(
    "/users/{user_id}/role",
    responses=session_write_problems(
        Forbidden, NotFound, RoleUnchanged, AlreadySuspended, LastEmployer, InvalidInput
    ),
)
async def change_role(
    user_id: int,
    body: RoleChange,
    user: UnlockedUserDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> UserAnswer:
    """Make an employee an employer, or the reverse; open sessions follow at once."""
    async with database.transaction() as connection:
        changed = await employers.change_role(
            connection, user_id, body.role, actor=user, settings=settings, reason=body.reason
        )
    return UserAnswer.of(changed)
