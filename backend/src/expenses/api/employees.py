"""Employees, for employers: who they are, suspending and reactivating them."""

from typing import Annotated

from fastapi import APIRouter, Query

from expenses.api.schemas import (
    EmployeeList,
    EventAnswer,
    EventList,
    EventPage,
    Suspension,
    UserAnswer,
)
from expenses.errors import (
    AlreadyErased,
    AlreadySuspended,
    Forbidden,
    InvalidInput,
    NotFound,
    NotSuspended,
)
from expenses.i18n.lines import Line
from expenses.tickets.events import EventFilter, list_events, suspensions_of
from expenses.users import actions, queries
from expenses.users.queries import EmployeeStatus
from expenses.web.dependencies import ConnectionDependency, CurrentUserDependency
from expenses.web.openapi import read_problems, session_write_problems, with_links
from expenses.web.pagination import Cursor, decode_cursor, encode_cursor
from expenses.web.scopes import ReaderDependency

router = APIRouter(prefix="/api/employees", tags=["employees"])

OPERATIONS = ("get_employee", "suspend_employee", "reactivate_employee")

Limit = Annotated[int, Query(ge=1, le=100)]
Text = Annotated[Line, Query(max_length=200)]


@router.get("", responses=read_problems(Forbidden, InvalidInput))
async def list_employees(
    user: ReaderDependency,
    connection: ConnectionDependency,
    status: EmployeeStatus | None = None,
    q: Text | None = None,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> EmployeeList:
    """All employees or those whose name or e-mail holds `q`, the newest first."""
    page = await queries.list_employees(
        connection, actor=user, status=status, text=q, before=decode_cursor(cursor), limit=limit
    )
    items = [UserAnswer.of(employee) for employee in page.items]
    return EmployeeList(items=items, next=encode_cursor(page.next_before))


@router.get(
    "/{employee_id}",
    responses=with_links(
        read_problems(Forbidden, NotFound, InvalidInput), 200, *OPERATIONS, employee_id="id"
    ),
)
async def get_employee(
    employee_id: int, user: ReaderDependency, connection: ConnectionDependency
) -> UserAnswer:
    """One employee."""
    return UserAnswer.of(await queries.get_employee(connection, employee_id, actor=user))


@router.get("/{employee_id}/events", responses=read_problems(Forbidden, NotFound, InvalidInput))
async def employee_events(
    employee_id: int,
    user: ReaderDependency,
    connection: ConnectionDependency,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> EventPage:
    """What happened to an employee's account, such as log-ins on new devices; the newest first."""
    employee = await queries.get_employee(connection, employee_id, actor=user)
    page = await list_events(
        connection,
        actor=user,
        matching=EventFilter(user_id=employee.id),
        before=decode_cursor(cursor),
        limit=limit,
    )
    items = [EventAnswer.of(event) for event in page.items]
    return EventPage(items=items, next=encode_cursor(page.next_before))


@router.get(
    "/{employee_id}/suspensions", responses=read_problems(Forbidden, NotFound, InvalidInput)
)
async def employee_suspensions(
    employee_id: int, user: ReaderDependency, connection: ConnectionDependency
) -> EventList:
    """When an employee was suspended and reactivated, the latest 100, newest first.

    `details.hidden` says for each currency how many tickets a suspension hid and what they add up
    to, and how much of that was approved.
    """
    employee = await queries.get_employee(connection, employee_id, actor=user)
    found = await suspensions_of(connection, employee.id, actor=user, limit=100)
    return EventList(items=[EventAnswer.of(event) for event in found])


@router.post(
    "/{employee_id}/suspend",
    responses=with_links(
        session_write_problems(Forbidden, NotFound, AlreadySuspended, InvalidInput),
        200,
        "reactivate_employee",
        employee_id="id",
    ),
)
async def suspend_employee(
    employee_id: int,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    body: Suspension | None = None,
) -> UserAnswer:
    """End an employee's sessions and tokens, keep them from logging in, and hide their tickets."""
    reason = body.reason if body else None
    return UserAnswer.of(await actions.suspend(connection, employee_id, actor=user, reason=reason))


@router.post(
    "/{employee_id}/reactivate",
    responses=session_write_problems(
        Forbidden, NotFound, NotSuspended, AlreadyErased, InvalidInput
    ),
)
async def reactivate_employee(
    employee_id: int,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    body: Suspension | None = None,
) -> UserAnswer:
    """Let an employee in again; their tickets are back as they were."""
    reason = body.reason if body else None
    return UserAnswer.of(
        await actions.reactivate(connection, employee_id, actor=user, reason=reason)
    )
