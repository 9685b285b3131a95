"""Bulk decisions: a page that says how many tickets and how much money, then the decisions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel
from sqladmin import BaseView, expose
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of
from expenses.console.queue import Queue, address
from expenses.database.tables import MAX_ID
from expenses.errors import DatabaseUnavailable, InvalidInput, TooBusy
from expenses.i18n.languages import gettext
from expenses.i18n.text import N_
from expenses.tickets import events, lists, queries
from expenses.tickets.counts import COUNT_LIMIT, totals
from expenses.tickets.decisions import BATCH_SIZE, Outcome, decide_tickets
from expenses.tickets.filters import TicketFilter
from expenses.tickets.models import TicketStatus
from expenses.tickets.schemas import Reason
from expenses.web.dependencies import database_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, render
from expenses.web.validation import parse

# The page in between names this many tickets; their number and their sums are exact.
MAX_SHOWN = 10


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
        ids = await _chosen_ids(request, form, body.seen)
        result = await _decide(request, ids, body.status, body.reason, body.seen)
        return render(
            request,
            "console/decided.html",
            result=result,
            back=address(QueryParams(form["query"]), cursor=None),
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
            chosen = await _chosen(request, connection, form)
            found = await totals(connection, actor=actor, matching=chosen)
            some = await lists.list_tickets(
                connection, actor=actor, matching=chosen, limit=MAX_SHOWN
            )
            context = {
                "totals": found,
                "tickets": some.items,
                "selected": len(form.many.get("ticket", [])),
                "seen": form["seen"] or await queries.now(connection),
                "reasons": await events.recent_reasons(connection, actor=actor),
            }
        return render(
            request,
            "console/decide.html",
            status_code=422 if errors else 200,
            **context,
            verdict=verdict.verdict,
            form=form,
            errors=errors or {},
            too_many=found.count.is_capped,
            count_limit=COUNT_LIMIT,
            back=address(QueryParams(form["query"])),
        )


async def _chosen(request: Request, connection: AsyncConnection, form: FormValues) -> TicketFilter:
    """Return a filter for the ticked tickets, or for all pending ones that the list shows."""
    if not form["all"]:
        return TicketFilter(status=TicketStatus.PENDING, ids=_ticked(form))
    queue = Queue.of(QueryParams(form["query"])).model_copy(update={"status": "pending"})
    return await queue.filter(connection, actor=user_of(request))


async def _chosen_ids(request: Request, form: FormValues, seen_at: datetime) -> list[int]:
    """Return the tickets of the page in between, including those decided since."""
    if not form["all"]:
        return sorted(set(_ticked(form)))
    async with database_of(request).reading() as connection:
        return await queries.ids_pending_at(
            connection,
            seen_at,
            actor=user_of(request),
            matching=await _chosen(request, connection, form),
            limit=COUNT_LIMIT,
        )


def _ticked(form: FormValues) -> tuple[int, ...]:
    ticked = form.many.get("ticket", [])
    if not all(text.isascii() and text.isdecimal() and len(text) < 20 for text in ticked):
        raise InvalidInput({"ticket": N_("Select tickets from the list.")})
    return tuple(number for number in map(int, ticked) if number <= MAX_ID)


async def _decide(
    request: Request,
    ids: list[int],
    status: TicketStatus,
    reason: str | None,
    seen_at: datetime,
) -> Result:
    """Decide batch by batch; each batch is one transaction with its events."""
    result = Result(status, Outcome([], []))
    for start in range(0, len(ids), BATCH_SIZE):
        batch = ids[start : start + BATCH_SIZE]
        try:
            async with database_of(request).transaction() as connection:
                outcome = await decide_tickets(
                    connection,
                    batch,
                    status,
                    actor=user_of(request),
                    reason=reason,
                    seen_at=seen_at,
                )
        except (TooBusy, DatabaseUnavailable):
            result.untried = len(ids) - start
            break
        result.outcome.decided.extend(outcome.decided)
        result.outcome.skipped.extend(outcome.skipped)
        result.gone += len(batch) - len(outcome.decided) - len(outcome.skipped)
    return result
