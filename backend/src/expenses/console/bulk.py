"""Bulk decisions: a page that says how many tickets and how much money, then the decisions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel
from sqladmin import BaseView, expose
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of, writing
from expenses.console.desk import Fragment, changed_rows, fragment_of
from expenses.console.queue import LIST, address
from expenses.console.selection import preview, seen_tickets, ticket_numbers
from expenses.errors import DatabaseUnavailable, InvalidInput, TooBusy
from expenses.i18n.languages import gettext, ngettext
from expenses.tickets import events, queries
from expenses.tickets.counts import COUNT_LIMIT
from expenses.tickets.decisions import BATCH_SIZE, Outcome, decide_tickets, undo_decisions
from expenses.tickets.models import TicketStatus
from expenses.tickets.schemas import Reason
from expenses.web.dependencies import database_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, local_path, render
from expenses.web.validation import parse


class Verdict(BaseModel):
    verdict: Literal["approve", "deny"]

    @property
    def status(self) -> TicketStatus:
        return TicketStatus.APPROVED if self.verdict == "approve" else TicketStatus.DENIED


class Approval(Verdict):
    seen: AwareDatetime
    reason: Reason | None = None


class Denial(Verdict):
    seen: AwareDatetime
    reason: Reason


@dataclass
class Result:
    """What happened to the selected tickets.

    `gone` counts those that are no longer visible, `untried` those that were left when the
    database stopped answering.
    """

    status: TicketStatus
    outcome: Outcome
    gone: int = 0
    untried: int = 0


class BulkView(BaseView):
    name = "Decide many tickets"

    def is_visible(self, request: Request) -> bool:  # noqa: ARG002
        return False

    @expose("/ticket/decide", methods=["POST"], identity="decide")
    async def preview(self, request: Request) -> Response:
        """Nothing happens yet."""
        form = await read_form(request)
        verdict = parse(Verdict, form)
        query = QueryParams(form["query"])
        if not form["all"] and not form.many.get("ticket"):
            flash(request, gettext("Select some tickets first."), "warning")
            return RedirectResponse(address(query), 303)
        return await self._preview(request, form, verdict)

    @expose("/ticket/decide/all", methods=["POST"], identity="decide-all")
    async def decide(self, request: Request) -> Response:
        form = await read_form(request)
        verdict = parse(Verdict, form)
        kind: type[Approval | Denial] = (
            Denial if verdict.status is TicketStatus.DENIED else Approval
        )
        try:
            body = parse(kind, {name: value for name, value in form.items() if value.strip()})
        except InvalidInput as error:
            return await self._preview(request, form, verdict, error.fields)
        async with database_of(request).reading() as connection:
            seen = await seen_tickets(connection, form, body.seen, actor=user_of(request))
        result = await _decide(request, seen, body.status, body.reason)
        return render(
            request,
            "console/decided.html",
            result=result,
            back=address(QueryParams(form["query"]), cursor=None),
        )

    @expose("/ticket/undo", methods=["POST"], identity="undo")
    async def undo(self, request: Request) -> Response:
        """Takes back decisions that the employer has just made, one or many."""
        form = await read_form(request)
        ids, actor = ticket_numbers(form["tickets"].split(",")), user_of(request)
        undone: list[int] = []
        for start in range(0, len(ids), BATCH_SIZE):
            async with writing(request) as connection:
                batch = ids[start : start + BATCH_SIZE]
                undone += await undo_decisions(connection, batch, actor=actor)
        others = sorted(set(ids) - set(undone))
        message = ngettext(
            "%(number)s ticket is pending again.",
            "%(number)s tickets are pending again.",
            len(undone),
            number=len(undone),
        )
        if fragment_of(request) is Fragment.ROW:
            not_undone = gettext(
                "This decision was not undone: another employer has acted since, or it was made "
                "too long ago. Reopen the ticket with a reason."
            )
            return await changed_rows(request, form, ids, not_undone if others else message)
        back = local_path(form["next"], LIST)
        if others:
            return await self._not_undone(request, message, others, back)
        flash(request, message)
        return RedirectResponse(back, 303)

    async def _not_undone(
        self, request: Request, message: str, others: list[int], back: str
    ) -> Response:
        """Name each ticket whose decision stays, with what has become of it."""
        async with database_of(request).reading() as connection:
            left = await queries.views_of(connection, others, actor=user_of(request))
        return render(
            request,
            "console/not_undone.html",
            message=message,
            tickets=left,
            gone=len(others) - len(left),
            back=back,
        )

    async def _preview(
        self,
        request: Request,
        form: FormValues,
        verdict: Verdict,
        errors: dict[str, str] | None = None,
    ) -> Response:
        actor = user_of(request)
        async with database_of(request).reading() as connection:
            found = await preview(connection, form, actor=actor)
            reasons = await events.recent_reasons(connection, actor=actor)
        return render(
            request,
            "console/decide.html",
            status_code=422 if errors else 200,
            preview=found,
            reasons=reasons,
            verdict=verdict.verdict,
            form=form,
            errors=errors or {},
            count_limit=COUNT_LIMIT,
            back=address(QueryParams(form["query"])),
        )


async def _decide(
    request: Request,
    seen: Mapping[int, datetime],
    status: TicketStatus,
    reason: str | None,
) -> Result:
    """Decide batch by batch; each batch is one transaction with its events."""
    result = Result(status, Outcome([], []))
    ids = sorted(seen)
    for start in range(0, len(ids), BATCH_SIZE):
        batch = {ticket_id: seen[ticket_id] for ticket_id in ids[start : start + BATCH_SIZE]}
        try:
            async with writing(request) as connection:
                outcome = await decide_tickets(
                    connection,
                    batch,
                    status,
                    actor=user_of(request),
                    reason=reason,
                )
        except (TooBusy, DatabaseUnavailable):
            result.untried = len(ids) - start
            break
        result.outcome.decided.extend(outcome.decided)
        result.outcome.skipped.extend(outcome.skipped)
        result.gone += len(batch) - len(outcome.decided) - len(outcome.skipped)
    return result
