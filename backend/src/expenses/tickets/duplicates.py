"""Hints, never blocks: tickets that look like the same purchase filed twice."""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import String, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from expenses.tickets.models import Ticket, TicketStatus
from expenses.tickets.queries import Owner, visible_to
from expenses.users.models import Actor

# One is enough to look into; a link to a shop's front page would name thousands.
MOST_NAMED = 3


class Likeness(StrEnum):
    PURCHASE = "purchase"
    LINK = "link"


class Duplicate(NamedTuple):
    """Another ticket, and what it shares: employee, amount and day, or a link."""

    ticket_id: int
    likeness: Likeness


async def duplicates_of(
    session: AsyncSession, ticket_ids: Sequence[int], *, actor: Actor
) -> dict[int, list[Duplicate]]:
    """By ticket, what looks like it among the tickets that `actor` sees; one statement.

    Withdrawn tickets are nobody's duplicate.
    """
    if not ticket_ids:
        return {}
    this = aliased(Ticket, name="this")
    likenesses = {
        Likeness.PURCHASE: (
            (Ticket.owner_id == this.owner_id)
            & (Ticket.spent_on == this.spent_on)
            & (Ticket.amount == this.amount)
            & (Ticket.currency == this.currency)
        ),
        Likeness.LINK: Ticket.links.overlap(this.links),
    }
    branches = []
    for likeness, condition in likenesses.items():
        others = (
            select(Ticket.id)
            .join(Owner, Owner.id == Ticket.owner_id)
            .where(
                visible_to(actor),
                condition,
                Ticket.id != this.id,
                Ticket.status != TicketStatus.WITHDRAWN,
            )
            .correlate(this)
            .limit(MOST_NAMED)
            .lateral()
        )
        branches.append(
            select(this.id, others.c.id, literal(likeness.value, String))
            .select_from(this)
            .join(others, literal(True))
            .where(this.id.in_(ticket_ids), this.status != TicketStatus.WITHDRAWN)
        )
    found: defaultdict[int, list[Duplicate]] = defaultdict(list)
    for ticket_id, other_id, likeness_name in await session.execute(union_all(*branches)):
        if other_id not in {duplicate.ticket_id for duplicate in found[ticket_id]}:
            found[ticket_id].append(Duplicate(other_id, Likeness(likeness_name)))
    return dict(found)
