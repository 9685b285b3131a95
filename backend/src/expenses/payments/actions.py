"""What employers do with payment runs, each step with an event of the run and of its tickets."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import InvalidInput, NotFound, NothingDue, PartlyPaid
from expenses.history import record
from expenses.i18n.text import N_
from expenses.payments.models import RunStatus, line_table, run_table
from expenses.payments.policy import ensure_can_confirm, ensure_pays_others
from expenses.payments.schemas import Payment
from expenses.payments.steps import (
    Line,
    LockedRun,
    finish_if_paid,
    has_paid,
    lock_lines,
    lock_run,
    record_step,
    record_taken_out,
)
from expenses.payments.telling import tell_of_payment
from expenses.settings import Settings
from expenses.tickets.actions import ensure_by_tomorrow
from expenses.tickets.filters import is_one_of
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.users.models import Actor, user_table


class Confirmed(NamedTuple):
    """How many tickets the run has, and how many were left out: reopened or hidden meanwhile."""

    tickets: int
    left_out: int


async def take_out(
    connection: AsyncConnection, run_id: int, ticket_id: int, *, actor: Actor
) -> None:
    """Take an unpaid ticket out of a draft or a confirmed run; it is due again.

    A run whose other tickets are all paid is paid then. Raises `RunChanged`, `NotFound`.
    """
    ensure_possible(run_id, ticket_id)
    run = await lock_run(connection, run_id, RunStatus.DRAFT, RunStatus.CONFIRMED, actor=actor)
    owner_id = await connection.scalar(
        delete(line_table)
        .where(
            line_table.c.run_id == run_id,
            line_table.c.ticket_id == ticket_id,
            line_table.c.paid_at.is_(None),
        )
        .returning(line_table.c.owner_id)
    )
    if owner_id is None:
        raise NotFound()
    await record_taken_out(connection, run.number, [Line(ticket_id, owner_id)], actor=actor)
    if run.status is RunStatus.CONFIRMED:
        await finish_if_paid(connection, run_id)


async def set_in_cash(
    connection: AsyncConnection, run_id: int, owner_id: int, in_cash: bool, *, actor: Actor
) -> None:
    """Say whether an employee gets their share in cash, and not by the bank file."""
    ensure_possible(run_id, owner_id)
    run = await lock_run(connection, run_id, RunStatus.DRAFT, RunStatus.CONFIRMED, actor=actor)
    share = line_table.c.run_id == run_id, line_table.c.owner_id == owner_id
    if not await lock_lines(connection, *share):
        raise NotFound()
    await connection.execute(update(line_table).where(*share).values(in_cash=in_cash))
    action = "payment_run.set_in_cash" if in_cash else "payment_run.set_by_bank"
    await record(
        connection, action, actor_id=actor.id, user_id=owner_id, run=run.number, run_id=run_id
    )


async def confirm_run(
    connection: AsyncConnection, run_id: int, *, actor: Actor, settings: Settings
) -> Confirmed:
    """Reserve the tickets of a draft.

    Raises `RunChanged`, `Forbidden`, `NothingDue`, and `OwnTicket` where one is the actor's.
    """
    run = await lock_run(connection, run_id, RunStatus.DRAFT, actor=actor)
    ensure_can_confirm(actor, run.created_by_id, settings)
    left_out = await _leave_out_what_changed(connection, run, actor=actor)
    lines = await lock_lines(connection, line_table.c.run_id == run_id)
    if not lines:
        raise NothingDue(currency=run.currency)
    ensure_pays_others(actor, [line.owner_id for line in lines])
    await connection.execute(
        update(run_table)
        .where(run_table.c.id == run_id)
        .values(status=RunStatus.CONFIRMED, confirmed_by_id=actor.id, confirmed_at=func.now())
    )
    await record_step(
        connection, "confirmed", run.number, run_id, lines, "payment_confirmed", actor=actor
    )
    return Confirmed(len(lines), left_out)


async def pay_run(
    connection: AsyncConnection,
    run_id: int,
    payment: Payment,
    *,
    actor: Actor,
    settings: Settings,
) -> int:
    """Note that the tickets of a confirmed run were paid, or some of them, and return how many.

    Raises `RunChanged`, `InvalidInput` for a ticket that is paid or not in the run, `OwnTicket`,
    and `NothingDue` where nothing is left to pay.
    """
    ensure_by_tomorrow("paid_on", payment.paid_on, settings)
    run = await lock_run(connection, run_id, RunStatus.CONFIRMED, actor=actor)
    lines = await _mark_paid(connection, run_id, payment.tickets, actor=actor)
    if payment.tickets and len(lines) < len(set(payment.tickets)):
        raise InvalidInput({"tickets": N_("Some of these tickets are paid or not in this run.")})
    if not lines:
        raise NothingDue(currency=run.currency)
    await _note_payment(connection, run_id, payment)
    event_id = await record_step(
        connection,
        "paid",
        run.number,
        run_id,
        lines,
        "paid",
        actor=actor,
        paid_on=payment.paid_on.isoformat(),
        reference=payment.reference,
    )
    await tell_of_payment(connection, run, lines, event_id, actor=actor)
    await finish_if_paid(connection, run_id)
    return len(lines)


async def cancel_run(
    connection: AsyncConnection, run_id: int, reason: str, *, actor: Actor
) -> None:
    """End a draft or a confirmed run, so that its tickets are due again.

    Raises `RunChanged`, and `PartlyPaid` where some of it was paid.
    """
    run = await lock_run(connection, run_id, RunStatus.DRAFT, RunStatus.CONFIRMED, actor=actor)
    if await has_paid(connection, run_id):
        raise PartlyPaid(run=run.number)
    await _end(connection, run, RunStatus.CANCELLED, reason, "payment_cancelled", actor=actor)


async def void_run(connection: AsyncConnection, run_id: int, reason: str, *, actor: Actor) -> None:
    """Take back a payment that did not happen, so that its tickets are due again."""
    run = await lock_run(connection, run_id, RunStatus.PAID, actor=actor)
    await _end(connection, run, RunStatus.VOIDED, reason, "payment_voided", actor=actor)
    of_run = select(line_table.c.ticket_id).where(line_table.c.run_id == run_id)
    await connection.execute(
        update(ticket_table).where(ticket_table.c.id.in_(of_run)).values(paid_at=null())
    )


async def _leave_out_what_changed(
    connection: AsyncConnection, run: LockedRun, *, actor: Actor
) -> int:
    """Take out tickets that are no longer due, and return how many.

    The run is locked: nobody is reopening one of them or suspending its owner.
    """
    of_run = (
        select(ticket_table.c.id, ticket_table.c.status, user_table.c.suspended_at)
        .join(user_table, user_table.c.id == ticket_table.c.owner_id)
        .join(line_table, line_table.c.ticket_id == ticket_table.c.id)
        .where(line_table.c.run_id == run.id)
        .order_by(ticket_table.c.id)
    )
    changed = [
        row.id
        for row in await connection.execute(of_run)
        if row.status != TicketStatus.APPROVED or row.suspended_at is not None
    ]
    rows = await connection.execute(
        delete(line_table)
        .where(line_table.c.run_id == run.id, is_one_of(line_table.c.ticket_id, changed))
        .returning(line_table.c.ticket_id, line_table.c.owner_id)
    )
    lines = sorted(Line._make(row) for row in rows)
    await record_taken_out(connection, run.number, lines, actor=actor)
    return len(lines)


async def _mark_paid(
    connection: AsyncConnection, run_id: int, ticket_ids: Sequence[int] | None, *, actor: Actor
) -> list[Line]:
    """Mark lines and tickets as paid, in the order of the ids."""
    unpaid = [line_table.c.run_id == run_id, line_table.c.paid_at.is_(None)]
    if ticket_ids is not None:
        unpaid.append(is_one_of(line_table.c.ticket_id, sorted(set(ticket_ids))))
    lines = await lock_lines(connection, *unpaid)
    ensure_pays_others(actor, [line.owner_id for line in lines])
    await connection.execute(
        update(line_table).where(*unpaid).values(paid_at=func.now(), paid_by_id=actor.id)
    )
    await connection.execute(
        update(ticket_table)
        .where(is_one_of(ticket_table.c.id, [line.ticket_id for line in lines]))
        .values(paid_at=func.now())
    )
    return lines


async def _note_payment(connection: AsyncConnection, run_id: int, payment: Payment) -> None:
    await connection.execute(
        update(run_table)
        .where(run_table.c.id == run_id)
        .values(
            paid_on=payment.paid_on,
            reference=func.coalesce(payment.reference, run_table.c.reference),
        )
    )


async def _end(
    connection: AsyncConnection,
    run: LockedRun,
    status: RunStatus,
    reason: str,
    action: str,
    *,
    actor: Actor,
) -> None:
    lines = await lock_lines(connection, line_table.c.run_id == run.id)
    await connection.execute(
        update(run_table)
        .where(run_table.c.id == run.id)
        .values(status=status, ended_by_id=actor.id, ended_at=func.now(), reason=reason)
    )
    await connection.execute(
        update(line_table).where(line_table.c.run_id == run.id).values(is_active=False)
    )
    await record_step(
        connection, status.value, run.number, run.id, lines, action, actor=actor, reason=reason
    )
