"""What every step of a payment run begins and ends with."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import NotFound, RunChanged
from expenses.history import record, record_many
from expenses.payments.models import RunStatus, line_table, run_table
from expenses.payments.policy import ensure_can_pay
from expenses.users.models import Actor


class LockedRun(NamedTuple):
    """A run that nobody else can change until the end of the transaction."""

    id: int
    number: str
    currency: str
    status: RunStatus
    created_by_id: int


class Line(NamedTuple):
    ticket_id: int
    owner_id: int


async def lock_run(
    connection: AsyncConnection, run_id: int, *expected: RunStatus, actor: Actor
) -> LockedRun:
    """Raises `NotFound`, and `RunChanged` where it is in another state than `expected`."""
    ensure_can_pay(actor)
    ensure_possible(run_id)
    columns = tuple(run_table.c[name] for name in LockedRun._fields)
    row = (
        await connection.execute(select(*columns).where(run_table.c.id == run_id).with_for_update())
    ).first()
    if row is None:
        raise NotFound()
    run = LockedRun._make(row)
    if run.status not in expected:
        raise RunChanged(run.status, run.number)
    return run


async def lock_lines(connection: AsyncConnection, *which: ColumnElement[bool]) -> list[Line]:
    """Always in the order of the tickets, so that no two wait for each other.

    Decisions and suspensions come by way of the tickets, and not of the run.
    """
    rows = await connection.execute(
        select(line_table.c.ticket_id, line_table.c.owner_id)
        .where(*which)
        .order_by(line_table.c.ticket_id)
        .with_for_update()
    )
    return [Line._make(row) for row in rows]


async def has_paid(connection: AsyncConnection, run_id: int) -> bool:
    return await _has(connection, run_id, line_table.c.paid_at.is_not(None))


async def finish_if_paid(connection: AsyncConnection, run_id: int) -> None:
    """A confirmed run, which is locked, is paid once nothing in it is unpaid any more."""
    if not await has_paid(connection, run_id):
        return
    if not await _has(connection, run_id, line_table.c.paid_at.is_(None)):
        await connection.execute(
            update(run_table)
            .where(run_table.c.id == run_id, run_table.c.status == RunStatus.CONFIRMED)
            .values(status=RunStatus.PAID)
        )


async def record_step(
    connection: AsyncConnection,
    step: str,
    number: str,
    run_id: int,
    lines: Sequence[Line],
    of_ticket: str,
    *,
    actor: Actor,
    **details: Any,
) -> int:
    """Write the event of the run, and one of each ticket, and return the run's."""
    event_id = await record(
        connection,
        f"payment_run.{step}",
        actor_id=actor.id,
        run=number,
        run_id=run_id,
        tickets=len(lines),
        **details,
    )
    await record_many(
        connection, f"ticket.{of_ticket}", lines, actor_id=actor.id, run=number, **details
    )
    return event_id


async def record_taken_out(
    connection: AsyncConnection, number: str, lines: Sequence[Line], *, actor: Actor
) -> None:
    await record_many(
        connection, "ticket.taken_out_of_payment_run", lines, actor_id=actor.id, run=number
    )


async def _has(connection: AsyncConnection, run_id: int, what: ColumnElement[bool]) -> bool:
    line = select(line_table.c.ticket_id).where(line_table.c.run_id == run_id, what)
    return (await connection.execute(line.limit(1))).first() is not None
