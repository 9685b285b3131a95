"""The employers' list of employees: suspending and reactivating them."""

from typing import Any

from pydantic import BaseModel
from sqladmin import expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of
from expenses.console.pagination import KeysetPage, keyset_page
from expenses.console.views import ReadOnlyView
from expenses.errors import Conflict
from expenses.users import actions, queries
from expenses.users.models import User
from expenses.users.queries import EmployeeStatus
from expenses.users.shapes import SuspensionReason
from expenses.web.cursors import decode_cursor, encode_cursor
from expenses.web.forms import read_form
from expenses.web.pages import flash, local_path, page_context
from expenses.web.requests import database_of
from expenses.web.validation import parse

PAGE_SIZE = 50


class Suspension(BaseModel):
    reason: SuspensionReason | None = None


class Listing(BaseModel):
    """What the address of the list may say."""

    status: EmployeeStatus | None = None
    cursor: str | None = None


class EmployeeView(ReadOnlyView, model=User):
    name = "Employee"
    name_plural = "Employees"
    list_template = "console/employees.html"
    details_template = "console/employee.html"

    async def list(self, request: Request) -> KeysetPage:
        listing = parse(Listing, request.query_params)
        async with database_of(request).reading() as session:
            page = await queries.list_employees(
                session,
                actor=user_of(request),
                status=listing.status,
                before=decode_cursor(listing.cursor),
                limit=PAGE_SIZE,
            )
        return keyset_page(page.items, encode_cursor(page.next_before))

    async def list_context(self, request: Request) -> dict[str, Any]:
        return page_context(request) | {"statuses": tuple(EmployeeStatus)}

    async def load(self, request: Request, row_id: int) -> User:
        async with database_of(request).reading() as session:
            return await queries.get_employee(session, row_id, actor=user_of(request))

    @expose("/{employee_id:int}/suspend", methods=["POST"])
    async def suspend(self, request: Request) -> Response:
        return await _change(request, actions.suspend, "%s is suspended.")

    @expose("/{employee_id:int}/reactivate", methods=["POST"])
    async def reactivate(self, request: Request) -> Response:
        return await _change(request, actions.reactivate, "%s is active again.")


# SQLAdmin names the address after the table's class, which also holds the employers.
EmployeeView.identity = "employee"


async def _change(request: Request, action: Any, success: str) -> Response:
    form = await read_form(request)
    body = parse(Suspension, {"reason": form["reason"] or None})
    try:
        async with database_of(request).transaction() as session:
            employee = await action(
                session,
                request.path_params["employee_id"],
                actor=user_of(request),
                reason=body.reason,
            )
        flash(request, success % employee.username)
    except Conflict as error:
        flash(request, error.message, "danger")
    return RedirectResponse(local_path(form["next"], "/admin/employee/list"), 303)
