"""Payment runs of the tickets that are selected in the list."""

from collections.abc import Sequence

from sqladmin import BaseView, expose
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.console.payment_pages import LIST, drafted, list_page
from expenses.console.queue import address
from expenses.console.selection import ticket_numbers
from expenses.errors import NothingDue
from expenses.i18n.languages import gettext, ngettext
from expenses.payments.drafting import Created, create_run
from expenses.payments.schemas import NewRun
from expenses.tickets.queries import views_of
from expenses.web.dependencies import database_of, settings_of
from expenses.web.pages.forms import read_form
from expenses.web.pages.rendering import flash


class PayingView(BaseView):
    name = "Pay selected tickets"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose("/payments/selected", methods=["POST"], identity="pay-selected")
    async def pay(self, request: Request) -> Response:
        """Draft a run of the selected tickets, or one for each of their currencies."""
        form = await read_form(request)
        ids = ticket_numbers(form.many.get("ticket", []))
        if not ids:
            flash(request, gettext("Select some tickets first."), "warning")
            return RedirectResponse(address(QueryParams(form["query"])), 303)
        runs = await _draft(request, ids)
        if not runs:
            refusal = gettext("None of these tickets is due, or other payment runs have them.")
            return await list_page(request, 409, refusal=refusal)
        left = len(ids) - sum(run.tickets for run in runs.values())
        flash(request, " ".join(filter(None, (_made(runs), _left_out(left)))))
        [*_, last] = runs.values()
        return RedirectResponse(LIST if len(runs) > 1 else f"{LIST}/{last.run_id}", 303)


async def _draft(request: Request, ids: Sequence[int]) -> dict[str, Created]:
    """Return the new runs by their currency; each is a transaction of its own."""
    actor, runs = user_of(request), {}
    async with database_of(request).reading() as connection:
        tickets = await views_of(connection, ids, actor=actor)
    for currency in sorted({ticket.currency for ticket in tickets}):
        new = NewRun(
            currency=currency,
            tickets=[ticket.id for ticket in tickets if ticket.currency == currency],
        )
        try:
            async with writing(request) as connection:
                runs[currency] = await create_run(
                    connection, new, actor=actor, settings=settings_of(request)
                )
        except NothingDue:
            continue
    return runs


def _made(runs: dict[str, Created]) -> str:
    if len(runs) == 1:
        [run] = runs.values()
        return drafted(run)
    numbers = ", ".join(f"{run.number} ({currency})" for currency, run in runs.items())
    return gettext("A payment run for each currency was drafted: %(runs)s.", runs=numbers)


def _left_out(number: int) -> str:
    if not number:
        return ""
    return ngettext(
        "%(num)s of the selected tickets is in another run, or not due.",
        "%(num)s of the selected tickets are in other runs, or not due.",
        number,
    )
