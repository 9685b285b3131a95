"""The employers: their list, a page for each, letting them leave, and changing anybody's role."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pydantic import BaseModel
from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.actions import verb_of
from expenses.console.authentication import user_of
from expenses.console.queue import address
from expenses.errors import Conflict, InvalidInput, NotFound
from expenses.i18n.languages import gettext as _
from expenses.i18n.text import N_
from expenses.tickets.employee_figures import count_tickets_of
from expenses.tickets.events import EventFilter, list_events
from expenses.users import employers, queries
from expenses.users.models import Role
from expenses.users.queries import UserView
from expenses.users.schemas import SuspensionReason
from expenses.web.dependencies import database_of, settings_of
from expenses.web.filters import OrEmpty
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, refuse_at, render
from expenses.web.pagination import decode_cursor, encode_cursor
from expenses.web.validation import parse

LIST = "/admin/employers"
ONE = "/employers/{user_id:int}"
PAGE_SIZE = 50
LATEST_EVENTS = 50


class Listing(BaseModel):
    cursor: OrEmpty[str] = None


class Why(BaseModel):
    reason: SuspensionReason | None = None


class Change(NamedTuple):
    """What an employer does to another, and how it is told."""

    act: Callable[..., Awaitable[UserView]]
    success: str
    role: Role | None = None


CHANGES = {
    "deactivate": Change(employers.deactivate, N_("%(username)s is deactivated.")),
    "activate": Change(employers.activate, N_("%(username)s can log in again.")),
    "make-employer": Change(
        employers.change_role, N_("%(username)s is an employer now."), Role.EMPLOYER
    ),
    "make-employee": Change(
        employers.change_role, N_("%(username)s is an employee now."), Role.EMPLOYEE
    ),
}


class EmployerView(BaseView):
    name = "Employers"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose("/employers", methods=["GET"], identity="employers")
    async def employers(self, request: Request) -> Response:
        query = request.query_params
        before = decode_cursor(parse(Listing, query).cursor)
        async with database_of(request).reading() as connection:
            page = await queries.list_employers(
                connection, actor=user_of(request), before=before, limit=PAGE_SIZE
            )
        older = encode_cursor(page.next_before)
        return render(
            request,
            "console/employers.html",
            employers=page.items,
            newest=LIST if before is not None else None,
            older=address(query, LIST, cursor=older) if older else None,
        )

    @expose(ONE, methods=["GET"], identity="employer")
    async def employer(self, request: Request) -> Response:
        employer_id, actor = request.path_params["user_id"], user_of(request)
        async with database_of(request).reading() as connection:
            employer = await queries.get_employer(connection, employer_id, actor=actor)
            tickets = await count_tickets_of(connection, employer_id, actor=actor)
            on_account = await list_events(
                connection,
                actor=actor,
                matching=EventFilter(user_id=employer_id),
                limit=LATEST_EVENTS,
            )
        return render(
            request,
            "console/employer.html",
            employer=employer,
            is_oneself=employer.id == actor.id,
            ticket_count=tickets,
            on_account=on_account.items,
            most_events=LATEST_EVENTS,
            verb_of=verb_of,
        )

    @expose(f"{ONE}/{{verb}}", methods=["GET"], identity="ask-to-change-employer")
    async def ask(self, request: Request) -> Response:
        """Nothing happens yet."""
        return await _ask(request)

    @expose(f"{ONE}/{{verb}}", methods=["POST"], identity="change-employer")
    async def change(self, request: Request) -> Response:
        form, change = await read_form(request), _change(request)
        user_id, actor = request.path_params["user_id"], user_of(request)
        more = {"role": change.role, "settings": settings_of(request)} if change.role else {}
        try:
            reason = parse(Why, {"reason": form["reason"].strip() or None}).reason
            async with database_of(request).transaction() as connection:
                user = await change.act(connection, user_id, actor=actor, reason=reason, **more)
        except InvalidInput as error:
            return await _ask(request, form, error.fields)
        except Conflict as error:
            return refuse_at(request, f"/admin/employee/details/{user_id}", error, "danger")
        flash(request, _(change.success, username=user.username))
        return RedirectResponse(_home(user, actor.id), 303)


async def _ask(
    request: Request, form: FormValues | None = None, errors: dict[str, str] | None = None
) -> Response:
    _change(request)
    user_id, actor = request.path_params["user_id"], user_of(request)
    async with database_of(request).reading() as connection:
        user = await queries.get_user(connection, user_id, actor=actor)
        sessions = await queries.count_sessions(connection, user_id, actor=actor)
        tickets = await count_tickets_of(connection, user_id, actor=actor)
    return render(
        request,
        "console/employer_change.html",
        status_code=422 if errors else 200,
        verb=request.path_params["verb"],
        person=user,
        sessions=sessions,
        tickets=tickets,
        back=f"/admin/employee/details/{user_id}",
        form=form or FormValues(),
        errors=errors or {},
    )


def _change(request: Request) -> Change:
    change = CHANGES.get(request.path_params["verb"])
    if change is None:
        raise NotFound()
    return change


def _home(user: UserView, actor_id: int) -> str:
    """Lead to the user's page, or out of the console for an employer who has stepped down."""
    if user.role is Role.EMPLOYER:
        return f"{LIST}/{user.id}"
    return "/tickets" if user.id == actor_id else f"/admin/employee/details/{user.id}"
