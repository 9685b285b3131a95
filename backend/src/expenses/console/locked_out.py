"""Helping employees who cannot log in: a link for a new password, and removing lost passkeys."""

from sqladmin import BaseView, expose
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.i18n.languages import gettext as _
from expenses.notifications.links import reset_link
from expenses.users import resets
from expenses.users.second_factor.reset import reset_for_employee
from expenses.web.dependencies import settings_of
from expenses.web.pages.rendering import flash, render

ONE = "/employee/{employee_id:int}"


class LockedOutView(BaseView):
    name = "Locked out"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose(f"{ONE}/reset-link", methods=["POST"], identity="reset-link")
    async def make_reset_link(self, request: Request) -> Response:
        """Shows the link once, for the employer to hand over."""
        employee_id, settings = request.path_params["employee_id"], settings_of(request)
        async with writing(request) as connection:
            employee, secret = await resets.make_for_employee(
                connection, employee_id, actor=user_of(request)
            )
        return render(
            request,
            "console/reset_link.html",
            employee=employee,
            link=reset_link(secret, settings),
        )

    @expose(f"{ONE}/reset-second-factor", methods=["POST"], identity="reset-second-factor")
    async def reset_second_factor(self, request: Request) -> Response:
        """Takes away the passkeys of an employee who has lost them."""
        employee_id = request.path_params["employee_id"]
        async with writing(request) as connection:
            employee = await reset_for_employee(connection, employee_id, actor=user_of(request))
        flash(
            request,
            _(
                "%(username)s is logged out everywhere, and is asked for no passkey at log-in.",
                username=employee.username,
            ),
        )
        return RedirectResponse(f"/admin/employee/details/{employee_id}", 303)
