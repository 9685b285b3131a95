"""Bulk decisions: a page that says how many tickets and how much money, then the decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator
from sqladmin import BaseView, expose
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import user_of
from expenses.console.desk import Fragment, changed_rows, fragment_of
from expenses.console.queue import LIST, Queue, address
from expenses.database.tables import MAX_ID
from expenses.errors import DatabaseUnavailable, InvalidInput, TooBusy
from expenses.i18n.languages import gettext, ngettext
from expenses.i18n.text import N_
from expenses.tickets import events, lists, queries
from expenses.tickets.counts import COUNT_LIMIT, totals
from expenses.tickets.decisions import BATCH_SIZE, Outcome, decide_tickets, undo_decisions
from expenses.tickets.filters import Sort, TicketFilter
from expenses.tickets.models import TicketStatus
from expenses.tickets.queries import TicketView
from expenses.tickets.schemas import Reason
from expenses.users.models import Actor
from expenses.web.dependencies import database_of
from expenses.web.pages.forms import FormValues, read_form
from expenses.web.pages.rendering import flash, local_path, render
from expenses.web.validation import parse

# The page in between names this many tickets; their number and their sums are exact.
MAX_SHOWN = 50


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


class Seen(BaseModel):
    seen: Annotated[AwareDatetime | None, BeforeValidator(lambda text: text or None)] = None


@dataclass(frozen=True)
class Choice:
    """The tickets to decide, and those that were chosen but are left out.

    `changed` were edited since the list was shown; where everything that matches was chosen, they
    do not match.
    """

    matching: TicketFilter
    changed: Sequence[TicketView] = ()
    not_pending: int = 0


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
        seen = await _all_seen(request, form, body.seen) if form["all"] else _seen(form, body.seen)
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
        ids = _numbers(form["tickets"].split(","))
        undone = 0
        for start in range(0, len(ids), BATCH_SIZE):
            async with database_of(request).transaction() as connection:
                batch = ids[start : start + BATCH_SIZE]
                undone += len(await undo_decisions(connection, batch, actor=user_of(request)))
        message = ngettext(
            "%(number)s ticket is pending again.",
            "%(number)s tickets are pending again.",
            undone,
            number=undone,
        )
        not_undone = gettext(
            "Some decisions were not undone: another employer has acted since, or they were "
            "made too long ago. Reopen these tickets with a reason."
        )
        if fragment_of(request) is Fragment.ROW:
            return await changed_rows(
                request, form, ids, message if undone == len(ids) else not_undone
            )
        if undone:
            flash(request, message)
        if undone < len(ids):
            flash(request, not_undone, "warning")
        return RedirectResponse(local_path(form["next"], LIST), 303)

    async def _preview(
        self,
        request: Request,
        form: FormValues,
        verdict: Verdict,
        errors: dict[str, str] | None = None,
    ) -> Response:
        actor = user_of(request)
        async with database_of(request).reading() as connection:
            seen_at = parse(Seen, form).seen or await queries.now(connection)
            chosen = await _choose(request, connection, form, seen_at)
            found = await totals(connection, actor=actor, matching=chosen.matching)
            new_or_changed = 0
            if form["all"]:
                anytime = replace(chosen.matching, unchanged_since=None)
                there = await totals(connection, actor=actor, matching=anytime)
                new_or_changed = there.count.number - found.count.number
            some = await lists.list_tickets(
                connection,
                actor=actor,
                matching=chosen.matching,
                sort=Sort.FILED,
                limit=MAX_SHOWN,
            )
            reasons = await events.recent_reasons(connection, actor=actor)
        return render(
            request,
            "console/decide.html",
            status_code=422 if errors else 200,
            totals=found,
            tickets=some.items,
            chosen=chosen,
            new_or_changed=new_or_changed,
            seen=seen_at.isoformat(),
            reasons=reasons,
            verdict=verdict.verdict,
            form=form,
            errors=errors or {},
            too_many=found.count.is_capped,
            count_limit=COUNT_LIMIT,
            back=address(QueryParams(form["query"])),
        )


async def _choose(
    request: Request, connection: AsyncConnection, form: FormValues, seen_at: datetime
) -> Choice:
    """Find out which of the chosen tickets are still as the list showed them."""
    actor = user_of(request)
    if form["all"]:
        matching = await _pending_matches(form, connection, actor)
        return Choice(replace(matching, unchanged_since=seen_at))
    seen = _seen(form, seen_at)
    there = await queries.views_of(connection, list(seen), actor=actor)
    pending = [ticket for ticket in there if ticket.status is TicketStatus.PENDING]
    changed = [ticket for ticket in pending if ticket.updated_at > seen[ticket.id]]
    left = tuple(ticket.id for ticket in pending if ticket not in changed)
    return Choice(
        TicketFilter(status=TicketStatus.PENDING, ids=left),
        changed=changed,
        not_pending=len(seen) - len(pending),
    )


async def _all_seen(request: Request, form: FormValues, seen_at: datetime) -> dict[int, datetime]:
    """Return all tickets that the list found then, including those decided or edited since."""
    actor = user_of(request)
    async with database_of(request).reading() as connection:
        ids = await queries.ids_pending_at(
            connection,
            seen_at,
            actor=actor,
            matching=await _pending_matches(form, connection, actor),
            limit=COUNT_LIMIT,
        )
    return dict.fromkeys(ids, seen_at)


async def _pending_matches(
    form: FormValues, connection: AsyncConnection, actor: Actor
) -> TicketFilter:
    """Read the filter of the list that "all" was chosen in; only pending tickets are decided."""
    queue = Queue.of(QueryParams(form["query"])).model_copy(update={"status": "pending"})
    return await queue.filter(connection, actor=actor)


def _seen(form: FormValues, seen_at: datetime) -> dict[int, datetime]:
    """Return the ticked tickets, each with the version that the list showed.

    A row without a version counts as seen when the list was made.
    """
    versions = {}
    for text in form.many.get("version", []):
        ticket, _, updated_at = text.partition("@")
        versions[ticket] = parse(Seen, {"seen": updated_at}).seen
    ticked = _numbers(form.many.get("ticket", []))
    return {number: versions.get(str(number)) or seen_at for number in ticked}


def _numbers(texts: Sequence[str]) -> list[int]:
    """Read ids of tickets. Raises `InvalidInput` for other text; impossible ids are dropped."""
    if not all(text.isascii() and text.isdecimal() and len(text) < 20 for text in texts):
        raise InvalidInput({"ticket": N_("Select tickets from the list.")})
    return sorted({int(text) for text in texts if int(text) <= MAX_ID})


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
            async with database_of(request).transaction() as connection:
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
