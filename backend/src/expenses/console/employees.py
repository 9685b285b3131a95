"""The employers' list of employees, a person's page, and suspending and reactivating them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sqladmin import expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.actions import verb_of
from expenses.console.authentication import user_of, writing
from expenses.console.queue import address
from expenses.console.views import ReadOnlyView, id_of
from expenses.errors import AlreadySuspended, Conflict, InvalidInput, NotSuspended
from expenses.i18n.languages import gettext as _
from expenses.i18n.languages import ngettext
from expenses.i18n.lines import Line
from expenses.tickets.counts import COUNT_LIMIT, Count
from expenses.tickets.employee_figures import EmployeeFigures, count_tickets_of, employee_figures
from expenses.tickets.events import EventFilter, list_deeds, list_events
from expenses.tickets.filters import TicketFilter
from expenses.tickets.lists import list_tickets
from expenses.users import actions, queries
from expenses.users.models import Role, User
from expenses.users.queries import EmployeeStatus, UserView
from expenses.users.schemas import SuspensionReason
from expenses.users.second_factor.queries import count_factors
from expenses.web.dependencies import database_of, settings_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, local_path, refuse_at, render
from expenses.web.pagination import decode_cursor, encode_cursor
from expenses.web.validation import parse

LIST = "/admin/employee/list"
PAGE_SIZE = 50
LATEST_TICKETS = 20
LATEST_EVENTS = 20


class Suspension(BaseModel):
    reason: SuspensionReason | None = None


class Listing(BaseModel):
    """What the address of the list may say."""

    status: Literal["active", "suspended", "all"] = "active"
    q: Annotated[Line, Field(max_length=200)] | None = None
    cursor: str | None = None

    @property
    def employee_status(self) -> EmployeeStatus | None:
        return None if self.status == "all" else EmployeeStatus(self.status)


@dataclass(frozen=True)
class EmployeeListPage:
    """A page of the list, with what stands above and beside its rows."""

    rows: Sequence[UserView]
    next_cursor: str | None
    counts: dict[EmployeeStatus, Count]
    figures: dict[int, EmployeeFigures]


@dataclass(frozen=True)
class Change:
    """One of the two things that an employer does to an employee."""

    verb: Literal["suspend", "reactivate"]
    act: Callable[..., Awaitable[UserView]]
    refusal: type[Conflict]

    def success(self, employee: UserView) -> str:
        if self.verb == "suspend":
            return _("%(username)s is suspended.", username=employee.username)
        return _("%(username)s is active again.", username=employee.username)

    def refuses(self, employee: UserView) -> bool:
        """Whether it is done already."""
        return (employee.suspended_at is not None) == (self.verb == "suspend")


SUSPEND = Change("suspend", actions.suspend, AlreadySuspended)
REACTIVATE = Change("reactivate", actions.reactivate, NotSuspended)


class EmployeeView(ReadOnlyView, model=User):
    name = "Employee"
    name_plural = "Employees"

    async def list_page(self, request: Request) -> Response:
        query, page, errors = request.query_params, None, {}
        try:
            page = await _list(request)
        except InvalidInput as error:
            errors = error.fields
        return render(
            request,
            "console/employees.html",
            status_code=422 if errors else 200,
            page=page,
            errors=errors,
            values=FormValues(query),
            tab=query.get("status") or EmployeeStatus.ACTIVE.value,
            statuses=tuple(EmployeeStatus),
            year=settings_of(request).today().year,
            address=lambda **changes: address(query, LIST, **{"cursor": None} | changes),
        )

    async def details_page(self, request: Request) -> Response:
        actor, settings = user_of(request), settings_of(request)
        async with database_of(request).reading() as connection:
            employee = await queries.get_user(connection, id_of(request), actor=actor)
            if employee.role is Role.EMPLOYER:
                return RedirectResponse(f"/admin/employers/{employee.id}", 303)
            figures = await employee_figures(
                connection, [employee.id], actor=actor, year=settings.today().year
            )
            latest = await list_tickets(
                connection,
                actor=actor,
                matching=TicketFilter(owner_id=employee.id),
                limit=LATEST_TICKETS,
            )
            ticket_count = await count_tickets_of(connection, employee.id, actor=actor)
            factors = await count_factors(connection, employee.id)
            on_account = await list_events(
                connection,
                actor=actor,
                matching=EventFilter(user_id=employee.id),
                limit=LATEST_EVENTS,
            )
            deeds = await list_deeds(connection, employee.id, actor=actor, limit=LATEST_EVENTS)
        return render(
            request,
            "console/employee.html",
            employee=employee,
            figures=figures[employee.id],
            year=settings.today().year,
            tickets=latest.items,
            ticket_count=ticket_count,
            passkeys=factors.passkeys,
            on_account=on_account.items,
            deeds=deeds,
            most_events=LATEST_EVENTS,
            verb_of=verb_of,
        )

    @expose("/{employee_id:int}/suspend", methods=["GET"])
    async def ask_to_suspend(self, request: Request) -> Response:
        return await self._ask(request, SUSPEND)

    @expose("/{employee_id:int}/suspend", methods=["POST"])
    async def suspend(self, request: Request) -> Response:
        return await self._change(request, SUSPEND)

    @expose("/{employee_id:int}/reactivate", methods=["GET"])
    async def ask_to_reactivate(self, request: Request) -> Response:
        return await self._ask(request, REACTIVATE)

    @expose("/{employee_id:int}/reactivate", methods=["POST"])
    async def reactivate(self, request: Request) -> Response:
        return await self._change(request, REACTIVATE)

    @expose("/{employee_id:int}/undo", methods=["POST"])
    async def undo(self, request: Request) -> Response:
        """Takes back a suspension that the employer has just made."""
        form, employee_id = await read_form(request), request.path_params["employee_id"]
        try:
            async with writing(request) as connection:
                employee = await actions.undo_suspension(
                    connection, employee_id, actor=user_of(request)
                )
        except Conflict as error:
            return _beside_fresh_state(request, error)
        flash(request, REACTIVATE.success(employee))
        return RedirectResponse(local_path(form["next"], LIST), 303)

    async def _ask(
        self,
        request: Request,
        change: Change,
        form: FormValues | None = None,
        errors: dict[str, str] | None = None,
    ) -> Response:
        """Say what will happen. Nothing happens yet."""
        employee_id, actor = request.path_params["employee_id"], user_of(request)
        async with database_of(request).reading() as connection:
            employee = await queries.get_employee(connection, employee_id, actor=actor)
            if change.refuses(employee):
                return _beside_fresh_state(request, change.refusal(username=employee.username))
            context = {
                "employee": employee,
                "tickets": await count_tickets_of(connection, employee.id, actor=actor),
                "sessions": await queries.count_sessions(connection, employee.id, actor=actor),
            }
        form = form or FormValues(request.query_params)
        return render(
            request,
            "console/suspend.html",
            status_code=422 if errors else 200,
            verb=change.verb,
            form=form,
            errors=errors or {},
            back=local_path(form["next"], _details(employee_id)),
            **context,
        )

    async def _change(self, request: Request, change: Change) -> Response:
        form = await read_form(request)
        try:
            body = parse(Suspension, {"reason": form["reason"].strip() or None})
            async with writing(request) as connection:
                employee = await change.act(
                    connection,
                    request.path_params["employee_id"],
                    actor=user_of(request),
                    reason=body.reason,
                )
                runs = {}
                if change is SUSPEND:
                    runs = await queries.taken_out_of_runs(connection, employee.id)
        except InvalidInput as error:
            return await self._ask(request, change, form, error.fields)
        except Conflict as error:
            return _beside_fresh_state(request, error)
        undo = f"/admin/employee/{employee.id}/undo" if change is SUSPEND else None
        taken_out = [_taken_out(run, number) for run, number in runs.items()]
        flash(request, " ".join([change.success(employee), *taken_out]), undo=undo)
        return RedirectResponse(local_path(form["next"], LIST), 303)


# SQLAdmin names the address after the table's class, which also holds the employers.
EmployeeView.identity = "employee"


async def _list(request: Request) -> EmployeeListPage:
    # A form sends its empty inputs, too.
    asked = {name: value for name, value in request.query_params.items() if value.strip(" ")}
    listing, actor = parse(Listing, asked), user_of(request)
    before = decode_cursor(listing.cursor)
    async with database_of(request).reading() as connection:
        page = await queries.list_employees(
            connection,
            actor=actor,
            status=listing.employee_status,
            text=listing.q,
            before=before,
            limit=PAGE_SIZE,
        )
        counts = await queries.count_employees(
            connection, actor=actor, text=listing.q, most=COUNT_LIMIT
        )
        return EmployeeListPage(
            rows=page.items,
            next_cursor=encode_cursor(page.next_before),
            counts={status: Count.capped(number) for status, number in counts.items()},
            figures=await employee_figures(
                connection,
                [employee.id for employee in page.items],
                actor=actor,
                year=settings_of(request).today().year,
            ),
        )


def _taken_out(run: str, number: int) -> str:
    return ngettext(
        "%(num)s ticket was taken out of payment run %(run)s.",
        "%(num)s tickets were taken out of payment run %(run)s.",
        number,
        run=run,
    )


def _beside_fresh_state(request: Request, error: Conflict) -> Response:
    return refuse_at(request, _details(request.path_params["employee_id"]), error, "danger")


def _details(employee_id: int) -> str:
    return f"/admin/employee/details/{employee_id}"
