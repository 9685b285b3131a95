"""Employees, for employers: who they are, suspending and reactivating them."""

from typing import Annotated

from fastapi import APIRouter, Query

from expenses.api.schemas import EmployeeList, Suspension, UserAnswer
from expenses.errors import (
    AlreadySuspended,
    Forbidden,
    InvalidInput,
    NotFound,
    NotLoggedIn,
    NotSuspended,
)
from expenses.i18n.text import Line
from expenses.users import actions, queries
from expenses.users.queries import EmployeeStatus
from expenses.web.dependencies import CurrentUserDependency, SessionDependency
from expenses.web.pagination import Cursor, decode_cursor, encode_cursor
from expenses.web.problems import responses

router = APIRouter(prefix="/api/employees", tags=["employees"])

Limit = Annotated[int, Query(ge=1, le=100)]
Text = Annotated[Line, Query(max_length=200)]


@router.get("", responses=responses(NotLoggedIn, Forbidden, InvalidInput))
async def list_employees(
    user: CurrentUserDependency,
    session: SessionDependency,
    status: EmployeeStatus | None = None,
    q: Text | None = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> EmployeeList:
    """All employees or those whose name or e-mail holds `q`, the newest first."""
    page = await queries.list_employees(
        session, actor=user, status=status, text=q, before=decode_cursor(cursor), limit=limit
    )
    items = [UserAnswer.of(employee) for employee in page.items]
    return EmployeeList(items=items, next=encode_cursor(page.next_before))


@router.get("/{employee_id}", responses=responses(NotLoggedIn, Forbidden, NotFound))
async def get_employee(
    employee_id: int, user: CurrentUserDependency, session: SessionDependency
) -> UserAnswer:
    """One employee."""
    return UserAnswer.of(await queries.get_employee(session, employee_id, actor=user))


@router.post(
    "/{employee_id}/suspend",
    responses=responses(NotLoggedIn, Forbidden, NotFound, AlreadySuspended, InvalidInput),
)
async def suspend_employee(
    employee_id: int,
    user: CurrentUserDependency,
    session: SessionDependency,
    body: Suspension | None = None,
) -> UserAnswer:
    """End all of an employee's sessions, keep them from logging in, and hide their tickets."""
    reason = body.reason if body else None
    return UserAnswer.of(await actions.suspend(session, employee_id, actor=user, reason=reason))


@router.post(
    "/{employee_id}/reactivate",
    responses=responses(NotLoggedIn, Forbidden, NotFound, NotSuspended, InvalidInput),
)
async def reactivate_employee(
    employee_id: int,
    user: CurrentUserDependency,
    session: SessionDependency,
    body: Suspension | None = None,
) -> UserAnswer:
    """Let an employee in again; their tickets are back as they were."""
    reason = body.reason if body else None
    return UserAnswer.of(await actions.reactivate(session, employee_id, actor=user, reason=reason))
