"""What stands above an employee's own tickets: their sums, and which decisions are news."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import DateTime, and_, bindparam, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.statements import Statement
from expenses.settings import Settings
from expenses.tickets.counts import MOST_COUNTED, Count
from expenses.tickets.models import Ticket, TicketStatus
from expenses.tickets.queries import Somebody, TicketView, visible_to, written_out
from expenses.users.models import Actor, Role, User

Sums = dict[str, Decimal]


class Summary(NamedTuple):
    """By currency. All of them are None where there are more tickets than are counted."""

    pending: Sums | None
    approved_this_month: Sums | None
    approved_this_year: Sums | None


@dataclass(frozen=True)
class News:
    """The decisions since `seen_at`, the last of them at `until`; None where there are none.

    Whoever has seen these has seen up to `until`, not up to now: another decision may have been
    under way.
    """

    seen_at: datetime | None
    count: Count
    until: datetime | None

    def includes(self, ticket: TicketView) -> bool:
        if ticket.decided_at is None:
            return False
        return self.seen_at is None or ticket.decided_at > self.seen_at


async def summarize(session: AsyncSession, *, actor: Actor, settings: Settings) -> Summary:
    """Months and years are those of the decision, where the company is."""
    month = datetime.combine(settings.today().replace(day=1), datetime.min.time(), settings.zone)
    year = month.replace(month=1)
    statement = _sums_statement(actor.role, MOST_COUNTED + 1)
    found = await statement.rows(session, actor_id=actor.id, month=month, year=year)
    if Count.up_to_most(sum(row[0] for row in found)).is_capped:
        return Summary(None, None, None)
    pending, this_month, this_year = (
        {row[1]: row[column] for row in found if row[column] is not None} for column in (2, 3, 4)
    )
    return Summary(pending, this_month, this_year)


async def news_for(session: AsyncSession, *, actor: Actor) -> News:
    """To whoever has never marked decisions as seen, all of them are news."""
    [row] = await _news_statement(actor.role, MOST_COUNTED + 1).rows(session, actor_id=actor.id)
    return News(row[0], Count.up_to_most(row[1]), row[2])


@lru_cache
def _sums_statement(role: Role, most: int) -> Statement:
    month, year = (bindparam(name, type_=DateTime(timezone=True)) for name in ("month", "year"))
    is_pending = Ticket.status == literal_column(f"'{TicketStatus.PENDING}'")
    is_approved = and_(
        Ticket.status == literal_column(f"'{TicketStatus.APPROVED}'"), Ticket.decided_at >= year
    )
    some = (
        select(Ticket.currency, Ticket.amount, Ticket.decided_at)
        .where(visible_to(Somebody(role)), or_(is_pending, is_approved))
        .limit(written_out(most))
        .subquery()
    )
    amount = func.sum(some.c.amount)
    sums = select(
        func.count(),
        some.c.currency,
        amount.filter(some.c.decided_at.is_(None)),
        amount.filter(some.c.decided_at >= month),
        amount.filter(some.c.decided_at >= year),
    )
    return Statement(sums.group_by(some.c.currency).order_by(some.c.currency))


@lru_cache
def _news_statement(role: Role, most: int) -> Statement:
    actor = Somebody(role)
    seen_at = select(User.decisions_seen_at).where(User.id == actor.id).scalar_subquery()
    since = func.coalesce(seen_at, func.to_timestamp(literal_column("0")))
    decided = (
        select(Ticket.decided_at)
        .where(visible_to(actor), Ticket.decided_at > since)
        .limit(written_out(most))
        .subquery()
    )
    last = func.max(decided.c.decided_at)
    return Statement(select(seen_at, func.count(), last).select_from(decided))
