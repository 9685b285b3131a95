"""The tickets that a bulk form chooses, and whether they are still as the list showed them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import QueryParams

from expenses.console.queue import Queue
from expenses.database.tables import MAX_ID
from expenses.errors import InvalidInput
from expenses.i18n.text import N_
from expenses.tickets import lists, queries
from expenses.tickets.counts import COUNT_LIMIT, Totals, totals
from expenses.tickets.filters import TicketFilter
from expenses.tickets.models import TicketStatus
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor
from expenses.web.pages.forms import FormValues
from expenses.web.validation import parse

# The page in between names this many tickets; their number and their sums are exact.
MAX_SHOWN = 1_000


class Seen(BaseModel):
    seen: Annotated[AwareDatetime | None, BeforeValidator(lambda text: text or None)] = None


@dataclass(frozen=True)
class Choice:
    """The tickets to decide, and those that were chosen but are left out.

    `own` are the actor's, who may not decide them. `changed` were edited since the list was shown;
    where everything that matches was chosen, they do not match.
    """

    matching: TicketFilter
    own: Sequence[TicketView] = ()
    changed: Sequence[TicketView] = ()
    not_pending: int = 0


@dataclass(frozen=True)
class Preview:
    """What a bulk decision would do: the first `MAX_SHOWN` tickets, in the order of the list."""

    seen_at: datetime
    chosen: Choice
    totals: Totals
    tickets: Sequence[TicketView]
    new_or_changed: int


async def preview(connection: AsyncConnection, form: FormValues, *, actor: Actor) -> Preview:
    seen_at = parse(Seen, form).seen or await queries.now(connection)
    chosen = await _choose(connection, form, seen_at, actor)
    found = await totals(connection, actor=actor, matching=chosen.matching)
    new_or_changed = 0
    if form["all"]:
        anytime = replace(chosen.matching, unchanged_since=None)
        there = await totals(connection, actor=actor, matching=anytime)
        new_or_changed = there.count.number - found.count.number
    shown = await lists.list_tickets(
        connection,
        actor=actor,
        matching=chosen.matching,
        sort=_queue(form).order,
        limit=MAX_SHOWN,
    )
    return Preview(seen_at, chosen, found, shown.items, new_or_changed)


async def seen_tickets(
    connection: AsyncConnection, form: FormValues, seen_at: datetime, *, actor: Actor
) -> dict[int, datetime]:
    """Return when each chosen ticket was seen, also of those decided or edited since."""
    if not form["all"]:
        return _ticked(form, seen_at)
    matching = await _pending_matches(connection, form, actor)
    ids = await queries.ids_pending_at(
        connection, seen_at, actor=actor, matching=matching, limit=COUNT_LIMIT
    )
    return dict.fromkeys(ids, seen_at)


def ticket_numbers(texts: Sequence[str]) -> list[int]:
    """Read ids of tickets. Raises `InvalidInput` for other text; impossible ids are dropped."""
    if not all(text.isascii() and text.isdecimal() and len(text) < 20 for text in texts):
        raise InvalidInput({"ticket": N_("Select tickets from the list.")})
    return sorted({int(text) for text in texts if int(text) <= MAX_ID})


async def _choose(
    connection: AsyncConnection, form: FormValues, seen_at: datetime, actor: Actor
) -> Choice:
    """Find out which of the chosen tickets are still as the list showed them."""
    if form["all"]:
        matching = await _pending_matches(connection, form, actor)
        return Choice(
            replace(matching, unchanged_since=seen_at, but_owner_id=actor.id),
            own=await _own(connection, matching, actor),
        )
    seen = _ticked(form, seen_at)
    there = await queries.views_of(connection, list(seen), actor=actor)
    pending = [ticket for ticket in there if ticket.status is TicketStatus.PENDING]
    own = [ticket for ticket in pending if ticket.owner_id == actor.id]
    others = [ticket for ticket in pending if ticket not in own]
    changed = [ticket for ticket in others if ticket.updated_at > seen[ticket.id]]
    left = tuple(ticket.id for ticket in others if ticket not in changed)
    return Choice(
        TicketFilter(status=TicketStatus.PENDING, ids=left),
        own=own,
        changed=changed,
        not_pending=len(seen) - len(pending),
    )


async def _own(
    connection: AsyncConnection, matching: TicketFilter, actor: Actor
) -> Sequence[TicketView]:
    if matching.owner_id not in (None, actor.id):
        return []
    own = replace(matching, owner_id=actor.id)
    return (await lists.list_tickets(connection, actor=actor, matching=own, limit=MAX_SHOWN)).items


async def _pending_matches(
    connection: AsyncConnection, form: FormValues, actor: Actor
) -> TicketFilter:
    """Read the filter of the list that "all" was chosen in; only pending tickets are decided."""
    queue = _queue(form).model_copy(update={"status": "pending"})
    return await queue.filter(connection, actor=actor)


def _queue(form: FormValues) -> Queue:
    """Read the query of the list that the form was sent from."""
    return Queue.of(QueryParams(form["query"]))


def _ticked(form: FormValues, seen_at: datetime) -> dict[int, datetime]:
    """Return the ticked tickets, each with when the version was made that the list showed.

    A ticket without a version counts as seen when the list was made.
    """
    parts = [text.partition("@") for text in form.many.get("ticket", [])]
    versions = {ticket: version for ticket, _, version in parts}
    return {
        number: parse(Seen, {"seen": versions.get(str(number), "")}).seen or seen_at
        for number in ticket_numbers(list(versions))
    }
