"""Erasing somebody who left: asked for on a page, and confirmed by typing their e-mail."""

from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.errors import Conflict, InvalidInput
from expenses.i18n.languages import gettext
from expenses.tickets.employee_figures import count_tickets_of
from expenses.users import erasure
from expenses.users.queries import get_user
from expenses.web.dependencies import database_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, refuse_at, render

ONE = "/employee/{employee_id:int}/erase"


class ErasingView(BaseView):
    name = "Erase"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose(ONE, methods=["GET"], identity="ask-to-erase")
    async def ask(self, request: Request) -> Response:
        return await _page(request)

    @expose(ONE, methods=["POST"], identity="erase")
    async def erase(self, request: Request) -> Response:
        form, employee_id = await read_form(request), request.path_params["employee_id"]
        try:
            async with writing(request) as connection:
                former = await erasure.erase(
                    connection, employee_id, typed_email=form["email"], actor=user_of(request)
                )
        except InvalidInput as error:
            return await _page(request, form, error.fields)
        except Conflict as error:
            return refuse_at(request, _details(employee_id), error, "danger")
        flash(request, gettext("They are erased, and called %(name)s now.", name=former.username))
        return RedirectResponse(_details(employee_id), 303)


async def _page(
    request: Request, form: FormValues | None = None, errors: dict[str, str] | None = None
) -> Response:
    """Say what will be gone. Nothing happens yet."""
    employee_id, actor = request.path_params["employee_id"], user_of(request)
    async with database_of(request).reading() as connection:
        employee = await get_user(connection, employee_id, actor=actor)
        try:
            erasure.ensure_can_be_erased(employee)
        except Conflict as error:
            return refuse_at(request, _details(employee_id), error, "danger")
        tickets = await count_tickets_of(connection, employee_id, actor=actor)
    return render(
        request,
        "console/erase.html",
        status_code=422 if errors else 200,
        employee=employee,
        tickets=tickets,
        form=form or FormValues(),
        errors=errors or {},
        back=_details(employee_id),
    )


def _details(employee_id: int) -> str:
    return f"/admin/employee/details/{employee_id}"
