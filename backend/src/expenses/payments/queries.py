"""Every read of payment runs, and what is due."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant, ensure_possible
from expenses.errors import NotFound, RunChanged
from expenses.payments.models import FIXED, RunStatus, line_table, payout_table, run_table
from expenses.payments.payout import MaskedPayout
from expenses.payments.policy import ensure_can_pay
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.queries import BoundActor, TicketView, views, visible_to
from expenses.users.models import Actor, Role, user_table

makers = user_table.alias("maker")
confirmers = user_table.alias("confirmer")
enders = user_table.alias("ender")


class RunView(NamedTuple):
    id: int
    number: str
    currency: str
    status: RunStatus
    created_by_id: int
    created_by_username: str
    created_at: datetime
    confirmed_by_username: str | None
    confirmed_at: datetime | None
    paid_on: date | None
    reference: str | None
    ended_by_username: str | None
    ended_at: datetime | None
    reason: str | None
    tickets: int
    amount: Decimal
    paid_tickets: int
    paid_amount: Decimal


class RunPage(NamedTuple):
    """Runs, newest first; `next_before` is the id to continue from, None at the end."""

    items: Sequence[RunView]
    next_before: int | None


class Share(NamedTuple):
    """What one employee gets in a run, and where; of a suspended one, the name is hidden."""

    owner_id: int
    username: str
    email: str
    is_hidden: bool
    tickets: int
    amount: Decimal
    unpaid_tickets: int
    unpaid_amount: Decimal
    in_cash: bool
    payout_masked: str | None
    payout_changed_at: datetime | None

    @property
    def payout(self) -> MaskedPayout | None:
        if self.payout_masked is None or self.payout_changed_at is None:
            return None
        return MaskedPayout(self.payout_masked, self.payout_changed_at)

    @property
    def amount_to_pay(self) -> Decimal:
        """What is left to pay, and all of it once it is paid."""
        return self.unpaid_amount if self.unpaid_tickets else self.amount


class Due(NamedTuple):
    """What is owed in a currency, or to one employee in it, since the first approval."""

    currency: str
    tickets: int
    amount: Decimal
    since: datetime


def is_due() -> ColumnElement[bool]:
    """Match what is owed: approved and not paid, whether it is in a run already or not."""
    return and_(
        ticket_table.c.status == constant(TicketStatus.APPROVED), ticket_table.c.paid_at.is_(None)
    )


def is_free() -> ColumnElement[bool]:
    """Match, of the tickets that are due, those that no run has.

    Paid lines are not looked at: they are many, and theirs are not due.
    """
    unpaid = line_table.c.is_active, line_table.c.paid_at.is_(None)
    return ticket_table.c.id.not_in(select(line_table.c.ticket_id).where(*unpaid))


async def due(connection: AsyncConnection, *, actor: Actor) -> list[Due]:
    """Sum up by currency what is owed and in no run yet."""
    ensure_can_pay(actor)
    return [Due._make(row) for row in await connection.execute(_due())]


async def list_runs(
    connection: AsyncConnection,
    *,
    actor: Actor,
    status: RunStatus | None = None,
    before: int | None = None,
    limit: int,
) -> RunPage:
    ensure_can_pay(actor)
    query = _run_list(status, limit, is_first=before is None)
    rows = await connection.execute(query, {"before": before})
    runs = [RunView._make(row) for row in rows]
    return RunPage(runs[:limit], runs[limit - 1].id if len(runs) > limit else None)


async def get_run(connection: AsyncConnection, run_id: int, *, actor: Actor) -> RunView:
    """Raises `NotFound`, `Forbidden`."""
    ensure_can_pay(actor)
    ensure_possible(run_id)
    row = (await connection.execute(_run(), {"run_id": run_id})).first()
    if row is None:
        raise NotFound()
    return RunView._make(row)


async def get_fixed_run(connection: AsyncConnection, run_id: int, *, actor: Actor) -> RunView:
    """Raises `NotFound`, `Forbidden`, and `RunChanged` where it is not confirmed or paid."""
    run = await get_run(connection, run_id, actor=actor)
    if run.status not in FIXED:
        raise RunChanged(run.status, run.number)
    return run


async def shares_of(connection: AsyncConnection, run_id: int, *, actor: Actor) -> list[Share]:
    """Sum up a run by employee, in the order of their names."""
    ensure_can_pay(actor)
    rows = await connection.execute(_shares(), {"run_id": run_id})
    return [Share._make(row) for row in rows]


async def tickets_of(
    connection: AsyncConnection,
    run_id: int,
    *,
    actor: Actor,
    owner_id: int | None = None,
    after: int = 0,
    limit: int,
) -> list[TicketView]:
    """List the tickets of a run that are not hidden, or of one employee in it."""
    ensure_can_pay(actor)
    values = {"run_id": run_id, "owner_id": owner_id, "after": after}
    rows = await connection.execute(_tickets(limit, of_one=owner_id is not None), values)
    return [TicketView._make(row) for row in rows]


async def run_of(connection: AsyncConnection, ticket_id: int) -> tuple[int, str, RunStatus] | None:
    """Return id, number and status of the run that a ticket is in; the caller sees the ticket."""
    row = (
        await connection.execute(
            select(run_table.c.id, run_table.c.number, run_table.c.status)
            .join(line_table, line_table.c.run_id == run_table.c.id)
            .where(line_table.c.ticket_id == ticket_id, line_table.c.is_active)
        )
    ).first()
    return None if row is None else (row.id, row.number, row.status)


# Built once: that costs as much as sending them.
@cache
def _due() -> Select[*tuple[Any, ...]]:
    return (
        select(
            ticket_table.c.currency,
            func.count().label("tickets"),
            func.sum(ticket_table.c.amount).label("amount"),
            func.min(ticket_table.c.decided_at).label("since"),
        )
        .where(visible_to(BoundActor(Role.EMPLOYER)), is_due(), is_free())
        .group_by(ticket_table.c.currency)
        .order_by(ticket_table.c.currency)
    )


@lru_cache(maxsize=50)
def _run_list(status: RunStatus | None, limit: int, *, is_first: bool) -> Select[*tuple[Any, ...]]:
    query = _runs().order_by(run_table.c.id.desc()).limit(constant(limit + 1))
    if status is not None:
        query = query.where(run_table.c.status == constant(status))
    return query if is_first else query.where(run_table.c.id < bindparam("before"))


@cache
def _run() -> Select[*tuple[Any, ...]]:
    return _runs().where(run_table.c.id == bindparam("run_id"))


@cache
def _shares() -> Select[*tuple[Any, ...]]:
    is_unpaid = line_table.c.paid_at.is_(None)
    return (
        select(
            line_table.c.owner_id,
            user_table.c.username,
            user_table.c.email,
            user_table.c.suspended_at.is_not(None),
            func.count(),
            func.sum(line_table.c.amount),
            func.count().filter(is_unpaid),
            func.coalesce(func.sum(line_table.c.amount).filter(is_unpaid), 0),
            func.bool_and(line_table.c.in_cash),
            payout_table.c.masked,
            payout_table.c.changed_at,
        )
        .join(user_table, user_table.c.id == line_table.c.owner_id)
        .outerjoin(payout_table, payout_table.c.user_id == line_table.c.owner_id)
        .where(line_table.c.run_id == bindparam("run_id"))
        .group_by(line_table.c.owner_id, user_table.c.id, payout_table.c.user_id)
        .order_by(func.lower(user_table.c.username), line_table.c.owner_id)
    )


@lru_cache(maxsize=50)
def _tickets(limit: int, *, of_one: bool) -> Select[*tuple[Any, ...]]:
    query = (
        views(BoundActor(Role.EMPLOYER))
        .join(line_table, line_table.c.ticket_id == ticket_table.c.id)
        .where(line_table.c.run_id == bindparam("run_id"), ticket_table.c.id > bindparam("after"))
        .order_by(ticket_table.c.id)
        .limit(constant(limit))
    )
    return query.where(line_table.c.owner_id == bindparam("owner_id")) if of_one else query


def _runs() -> Select[*tuple[Any, ...]]:
    sums = (
        select(
            func.count().label("tickets"),
            func.coalesce(func.sum(line_table.c.amount), 0).label("amount"),
            func.count(line_table.c.paid_at).label("paid_tickets"),
            func.coalesce(
                func.sum(line_table.c.amount).filter(line_table.c.paid_at.is_not(None)), 0
            ).label("paid_amount"),
        )
        .where(line_table.c.run_id == run_table.c.id)
        .lateral("sums")
    )
    return (
        select(
            run_table.c.id,
            run_table.c.number,
            run_table.c.currency,
            run_table.c.status,
            run_table.c.created_by_id,
            makers.c.username,
            run_table.c.created_at,
            confirmers.c.username,
            run_table.c.confirmed_at,
            run_table.c.paid_on,
            run_table.c.reference,
            enders.c.username,
            run_table.c.ended_at,
            run_table.c.reason,
            sums.c.tickets,
            sums.c.amount,
            sums.c.paid_tickets,
            sums.c.paid_amount,
        )
        .select_from(run_table)
        .join(makers, makers.c.id == run_table.c.created_by_id)
        .outerjoin(confirmers, confirmers.c.id == run_table.c.confirmed_by_id)
        .outerjoin(enders, enders.c.id == run_table.c.ended_by_id)
        .join(sums, true())
    )
