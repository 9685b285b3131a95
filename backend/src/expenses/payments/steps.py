"""What every step of a payment run begins and ends with."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

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


async def lines_of(connection: AsyncConnection, run_id: int) -> list[Line]:
    rows = await connection.execute(
        select(line_table.c.ticket_id, line_table.c.owner_id)
        .where(line_table.c.run_id == run_id)
        .order_by(line_table.c.ticket_id)
    )
    return [Line._make(row) for row in rows]


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
