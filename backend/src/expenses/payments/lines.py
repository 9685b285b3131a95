"""The tickets of runs, as decisions and suspensions see them: what is in a run stays as it is."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import InPaymentRun, TooBusy
from expenses.payments.models import FIXED, RunStatus, line_table, run_table
from expenses.payments.steps import Line, finish_if_paid, lock_lines, record_taken_out
from expenses.tickets.filters import is_one_of
from expenses.users.models import Actor


class LineOfRun(NamedTuple):
    ticket_id: int
    owner_id: int
    run_id: int
    run_number: str
    run_status: RunStatus


COLUMNS = (
    line_table.c.ticket_id,
    line_table.c.owner_id,
    run_table.c.id,
    run_table.c.number,
    run_table.c.status,
)


# Any number that nobody else uses will do. Tickets and users are not locked instead: a sharded
# database locks rows of one ticket only.
_MAKING = 7_301_158


def fixed(ticket_ids: Collection[int]) -> Select[tuple[int]]:
    """Select those of the tickets whose payment is confirmed: they are not reopened."""
    return (
        select(line_table.c.ticket_id)
        .join(run_table, run_table.c.id == line_table.c.run_id)
        .where(
            line_table.c.is_active,
            is_one_of(line_table.c.ticket_id, sorted(ticket_ids)),
            run_table.c.status.in_(FIXED),
        )
    )


async def release(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> None:
    """Take a ticket that is reopened out of a draft.

    Its runs are locked. Raises `InPaymentRun`.
    """
    for line in await _active(connection, [ticket_id]):
        if line.run_status in FIXED:
            raise InPaymentRun(id=ticket_id, run=line.run_number)
        await _take_out(connection, [line], actor=actor)


async def release_many(
    connection: AsyncConnection, ticket_ids: Sequence[int], *, actor: Actor
) -> None:
    """Take tickets that were just reopened out of drafts.

    Raises `TooBusy` where a run was confirmed in the same moment.
    """
    lines = await _active(connection, ticket_ids)
    if any(line.run_status in FIXED for line in lines):
        raise TooBusy()
    await _take_out(connection, lines, actor=actor)


async def lock_making(connection: AsyncConnection) -> None:
    """Make runs one at a time, and none while tickets are reopened or hidden."""
    await connection.execute(select(func.pg_advisory_xact_lock(_MAKING)))


async def lock_runs_of(connection: AsyncConnection, owner_id: int) -> None:
    """Keep the runs with an employee's unpaid tickets as they are.

    Nor is one made with them. Before tickets and users are locked: whoever changes a run locks that
    first. Raises `NotFound`.
    """
    ensure_possible(owner_id)
    await _lock_runs(connection, _unpaid_of(owner_id))


async def lock_runs_with(connection: AsyncConnection, ticket_ids: Sequence[int]) -> None:
    """Keep the runs that tickets are in as they are; as `lock_runs_of`."""
    ensure_possible(*ticket_ids)
    in_them = line_table.c.is_active, is_one_of(line_table.c.ticket_id, sorted(ticket_ids))
    await _lock_runs(connection, and_(*in_them))


async def release_all_of(
    connection: AsyncConnection, owner_id: int, *, actor: Actor
) -> dict[str, int]:
    """Take the unpaid tickets of a suspended employee out of their runs.

    Returns how many by the run's number. What is paid stays as it is, and a run whose other tickets
    are all paid is paid then.
    """
    if not await lock_lines(connection, _unpaid_of(owner_id)):
        return {}
    rows = await connection.execute(
        delete(line_table)
        .where(_unpaid_of(owner_id), run_table.c.id == line_table.c.run_id)
        .returning(*COLUMNS)
    )
    lines = [LineOfRun._make(row) for row in rows]
    await _record(connection, lines, actor=actor)
    for run_id in sorted({line.run_id for line in lines}):
        await finish_if_paid(connection, run_id)
    numbers = [line.run_number for line in lines]
    return {number: numbers.count(number) for number in sorted(set(numbers))}


async def _lock_runs(connection: AsyncConnection, lines: ColumnElement[bool]) -> None:
    await connection.execute(select(func.pg_advisory_xact_lock_shared(_MAKING)))
    await connection.execute(
        select(run_table.c.id)
        .where(run_table.c.id.in_(select(line_table.c.run_id).where(lines)))
        .order_by(run_table.c.id)
        .with_for_update()
    )


def _unpaid_of(owner_id: int) -> ColumnElement[bool]:
    return and_(
        line_table.c.owner_id == owner_id,
        line_table.c.is_active,
        line_table.c.paid_at.is_(None),
    )


async def _active(connection: AsyncConnection, ticket_ids: Collection[int]) -> list[LineOfRun]:
    rows = await connection.execute(
        select(*COLUMNS)
        .join(run_table, run_table.c.id == line_table.c.run_id)
        .where(line_table.c.is_active, is_one_of(line_table.c.ticket_id, sorted(ticket_ids)))
        .order_by(line_table.c.ticket_id)
    )
    return [LineOfRun._make(row) for row in rows]


async def _take_out(
    connection: AsyncConnection, lines: Sequence[LineOfRun], *, actor: Actor
) -> None:
    """A run that was cancelled in this moment keeps its lines."""
    if not lines:
        return
    ids = [line.ticket_id for line in lines]
    active = line_table.c.is_active, is_one_of(line_table.c.ticket_id, ids)
    left = {line.ticket_id for line in await lock_lines(connection, *active)}
    await connection.execute(delete(line_table).where(*active))
    await _record(connection, [line for line in lines if line.ticket_id in left], actor=actor)


async def _record(connection: AsyncConnection, lines: Sequence[LineOfRun], *, actor: Actor) -> None:
    for number in sorted({line.run_number for line in lines}):
        of_run = sorted(
            Line(line.ticket_id, line.owner_id) for line in lines if line.run_number == number
        )
        await record_taken_out(connection, number, of_run, actor=actor)
