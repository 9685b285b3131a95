"""Drafting a payment run of what is due."""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import IdempotencyKeyReused, NothingDue
from expenses.payments.lines import lock_making
from expenses.payments.models import line_table, run_table
from expenses.payments.policy import ensure_can_pay
from expenses.payments.queries import is_due, is_free
from expenses.payments.schemas import MAX_LINES, NewRun
from expenses.payments.steps import Line, record_step
from expenses.settings import Settings
from expenses.tickets.filters import is_one_of
from expenses.tickets.models import ticket_table
from expenses.tickets.queries import owners, visible_to
from expenses.users.models import Actor


class Created(NamedTuple):
    """A new run; `elsewhere` tickets were asked for and are in another run or not due."""

    run_id: int
    number: str
    tickets: int
    elsewhere: int


async def create_run(
    connection: AsyncConnection,
    new: NewRun,
    *,
    actor: Actor,
    settings: Settings,
    idempotency_key: str | None = None,
) -> Created:
    """Draft a run of what is due and in no other run; the same key returns the first one.

    Of two who do so at once each ticket is in one run alone. Raises `NothingDue`, and
    `IdempotencyKeyReused` where something else was asked for with the same key.
    """
    ensure_can_pay(actor)
    # So that its number, its key and its tickets are those of no other.
    await lock_making(connection)
    if idempotency_key is not None:
        first = await _made_with(connection, idempotency_key, new, actor)
        if first is not None:
            return first
    candidates = await _candidates(connection, new, actor)
    if not candidates:
        raise NothingDue(currency=new.currency)
    number = await _next_number(connection, settings.today())
    run_id = await _insert(
        connection,
        number=number,
        currency=new.currency,
        created_by_id=actor.id,
        idempotency_key=idempotency_key,
        fingerprint=_fingerprint(new) if idempotency_key else None,
    )
    lines = await _add_lines(connection, run_id, candidates)
    if not lines:
        raise NothingDue(currency=new.currency)
    await record_step(
        connection, "created", number, run_id, lines, "added_to_payment_run", actor=actor
    )
    wanted = len(set(new.tickets)) if new.tickets else len(candidates)
    return Created(run_id, number, len(lines), wanted - len(lines))


async def _insert(connection: AsyncConnection, **values: Any) -> int:
    new = insert(run_table).values(values).returning(run_table.c.id)
    run_id: int = (await connection.execute(new)).scalar_one()
    return run_id


async def _made_with(
    connection: AsyncConnection, key: str, new: NewRun, actor: Actor
) -> Created | None:
    row = (
        await connection.execute(
            select(
                run_table.c.id,
                run_table.c.number,
                run_table.c.fingerprint,
                func.count(line_table.c.ticket_id),
            )
            .outerjoin(line_table, line_table.c.run_id == run_table.c.id)
            .where(run_table.c.created_by_id == actor.id, run_table.c.idempotency_key == key)
            .group_by(run_table.c.id)
        )
    ).first()
    if row is None:
        return None
    run_id, number, fingerprint, tickets = row
    if fingerprint != _fingerprint(new):
        raise IdempotencyKeyReused()
    return Created(run_id, number, tickets, 0)


def _fingerprint(new: NewRun) -> bytes:
    return hashlib.sha256(new.model_dump_json().encode()).digest()


async def _candidates(connection: AsyncConnection, new: NewRun, actor: Actor) -> list[int]:
    query = (
        select(ticket_table.c.id)
        .join(owners, owners.c.id == ticket_table.c.owner_id)
        .where(visible_to(actor, joined=True), is_due(), is_free())
        .where(ticket_table.c.currency == new.currency)
        .order_by(ticket_table.c.id)
        .limit(MAX_LINES)
    )
    if new.until is not None:
        query = query.where(ticket_table.c.spent_on <= new.until)
    if new.tickets is not None:
        query = query.where(is_one_of(ticket_table.c.id, sorted(set(new.tickets))))
    return list(await connection.scalars(query))


async def _next_number(connection: AsyncConnection, today: date) -> str:
    year = f"{today.year}-"
    last = await connection.scalar(
        select(
            func.max(func.split_part(run_table.c.number, "-", 2).cast(run_table.c.id.type))
        ).where(run_table.c.number.startswith(year))
    )
    return f"{year}{(last or 0) + 1:03d}"


async def _add_lines(
    connection: AsyncConnection, run_id: int, ticket_ids: Sequence[int]
) -> list[Line]:
    """Add the tickets that nobody else has added meanwhile, in the order of their ids."""
    tickets = (
        select(ticket_table.c.id, literal(run_id), ticket_table.c.owner_id, ticket_table.c.amount)
        .where(is_one_of(ticket_table.c.id, ticket_ids))
        .order_by(ticket_table.c.id)
    )
    rows = await connection.execute(
        insert(line_table)
        .from_select(["ticket_id", "run_id", "owner_id", "amount"], tickets)
        .on_conflict_do_nothing()
        .returning(line_table.c.ticket_id, line_table.c.owner_id)
    )
    return sorted(Line._make(row) for row in rows)
