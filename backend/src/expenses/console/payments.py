"""Payment runs: what is due, the runs, and each step of one."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel
from sqladmin import BaseView, expose
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.console.payment_pages import LIST, drafted, list_page, run_page
from expenses.console.selection import ticket_numbers
from expenses.errors import Conflict, Forbidden, InvalidInput, NotFound
from expenses.i18n.languages import gettext, ngettext, sentence
from expenses.i18n.text import N_
from expenses.payments import actions
from expenses.payments.drafting import create_run
from expenses.payments.schemas import Ending, NewRun, Payment, TicketId
from expenses.web.dependencies import settings_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, local_path
from expenses.web.problems import status_of
from expenses.web.validation import parse

ONE = "/payments/{run_id:int}"

Step = Callable[[AsyncConnection, int], Awaitable[str]]


class Cash(BaseModel):
    """How an employee of a run gets their share."""

    employee: TicketId
    in_cash: bool = False


class PaymentView(BaseView):
    name = "Payments"

    @expose("/payments", methods=["GET"], identity="payments")
    async def runs(self, request: Request) -> Response:
        return await list_page(request)

    @expose("/payments", methods=["POST"], identity="draft-payments")
    async def draft(self, request: Request) -> Response:
        """Draft a run of everything due in a currency, and lead to it."""
        form = await read_form(request)
        try:
            new = parse(NewRun, _filled_in(form, "currency", "until"))
            async with writing(request) as connection:
                created = await create_run(
                    connection, new, actor=user_of(request), settings=settings_of(request)
                )
        except InvalidInput as error:
            if set(error.fields) != {"until"}:
                raise
            return await list_page(request, 422, form=form, errors=error.fields)
        except Conflict as error:
            return await list_page(request, status_of(error), refusal=sentence(error))
        flash(request, drafted(created))
        return RedirectResponse(f"{LIST}/{created.run_id}", 303)

    @expose(ONE, methods=["GET"], identity="payment")
    async def run(self, request: Request) -> Response:
        return await run_page(request, request.path_params["run_id"])

    @expose(f"{ONE}/confirm", methods=["POST"], identity="confirm-payment")
    async def confirm(self, request: Request) -> Response:
        async def step(connection: AsyncConnection, run_id: int) -> str:
            confirmed = await actions.confirm_run(
                connection, run_id, actor=user_of(request), settings=settings_of(request)
            )
            return _confirmed(confirmed)

        return await _take(request, await read_form(request), step)

    @expose(f"{ONE}/pay", methods=["POST"], identity="pay-payment")
    async def pay(self, request: Request) -> Response:
        form = await read_form(request)

        async def step(connection: AsyncConnection, run_id: int) -> str:
            number = await actions.pay_run(
                connection,
                run_id,
                _payment(form),
                actor=user_of(request),
                settings=settings_of(request),
            )
            return ngettext("%(num)s ticket is paid.", "%(num)s tickets are paid.", number)

        return await _take(request, form, step)

    @expose(f"{ONE}/cancel", methods=["POST"], identity="cancel-payment")
    async def cancel(self, request: Request) -> Response:
        form = await read_form(request)

        async def step(connection: AsyncConnection, run_id: int) -> str:
            reason = parse(Ending, _filled_in(form, "reason")).reason
            await actions.cancel_run(connection, run_id, reason, actor=user_of(request))
            return gettext("This payment run is cancelled. Its tickets are due again.")

        return await _take(request, form, step)

    @expose(f"{ONE}/void", methods=["POST"], identity="void-payment")
    async def void(self, request: Request) -> Response:
        form = await read_form(request)

        async def step(connection: AsyncConnection, run_id: int) -> str:
            reason = parse(Ending, _filled_in(form, "reason")).reason
            await actions.void_run(connection, run_id, reason, actor=user_of(request))
            return gettext("This payment run is voided. Its tickets are due again.")

        return await _take(request, form, step)

    @expose(f"{ONE}/in-cash", methods=["POST"], identity="pay-in-cash")
    async def set_in_cash(self, request: Request) -> Response:
        form = await read_form(request)

        async def step(connection: AsyncConnection, run_id: int) -> str:
            body = parse(Cash, _filled_in(form, "employee", "in_cash"))
            await actions.set_in_cash(
                connection, run_id, body.employee, body.in_cash, actor=user_of(request)
            )
            return gettext("Paid in cash.") if body.in_cash else gettext("Paid by bank.")

        return await _take(request, form, step)

    @expose(
        f"{ONE}/tickets/{{ticket_id:int}}/take-out",
        methods=["POST"],
        identity="take-out",
    )
    async def take_out(self, request: Request) -> Response:
        ticket_id: int = request.path_params["ticket_id"]

        async def step(connection: AsyncConnection, run_id: int) -> str:
            await actions.take_out(connection, run_id, ticket_id, actor=user_of(request))
            return gettext("Ticket %(id)s is no longer in this run.", id=ticket_id)

        return await _take(request, await read_form(request), step)


async def _take(request: Request, form: FormValues, step: Step) -> Response:
    """Take a step and say what came of it; a refusal is shown with the run as it is now."""
    run_id: int = request.path_params["run_id"]
    try:
        async with writing(request) as connection:
            message = await step(connection, run_id)
    except InvalidInput as error:
        return await run_page(request, run_id, 422, form=form, errors=error.fields)
    except (Conflict, Forbidden, NotFound) as error:
        return await run_page(request, run_id, status_of(error), refusal=sentence(error))
    flash(request, message)
    return RedirectResponse(local_path(form["next"], f"{LIST}/{run_id}"), 303)


def _payment(form: FormValues) -> Payment:
    """Read what was paid: all of it, or the selected tickets alone."""
    values: dict[str, Any] = _filled_in(form, "paid_on", "reference")
    if form["only"]:
        selected = ticket_numbers(form.many.get("tickets", []))
        if not selected:
            raise InvalidInput({"tickets": N_("Select the tickets that were paid.")})
        values["tickets"] = selected
    return parse(Payment, values)


def _filled_in(form: FormValues, *names: str) -> dict[str, Any]:
    return {name: form[name] for name in names if form[name].strip()}


def _confirmed(confirmed: actions.Confirmed) -> str:
    message = ngettext(
        "%(num)s ticket is confirmed.", "%(num)s tickets are confirmed.", confirmed.tickets
    )
    if not confirmed.left_out:
        return message
    left_out = ngettext(
        "%(num)s was left out because it was reopened or hidden.",
        "%(num)s were left out because they were reopened or hidden.",
        confirmed.left_out,
    )
    return f"{message} {left_out}"
