"""What an owner does to tickets, each with its event in the same transaction."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import (
    IdempotencyKeyReused,
    InvalidInput,
    NotPending,
    OtherDecimals,
    TicketChanged,
)
from expenses.history import record
from expenses.i18n.money import ensure_fits_currency, with_decimals
from expenses.i18n.text import N_
from expenses.settings import Settings
from expenses.tickets.models import TicketStatus, idempotency_key_table, ticket_table
from expenses.tickets.policy import ensure_can_create, ensure_owns, no_longer_pending
from expenses.tickets.queries import LockedTicket, get_ticket, lock_ticket
from expenses.tickets.schemas import TicketChanges, TicketFields
from expenses.users.models import Actor

# How long a repeated request is recognised.
KEYS_KEPT = timedelta(days=7)

_INSERT = insert(ticket_table).returning(ticket_table.c.id)


async def create_ticket(
    connection: AsyncConnection,
    fields: TicketFields,
    *,
    actor: Actor,
    settings: Settings,
    idempotency_key: str | None = None,
) -> int:
    """File a ticket and return its id; the same key with the same fields returns the first id.

    Raises `InvalidInput` for a date after tomorrow and for decimals that the currency does not
    have, `IdempotencyKeyReused`, `Forbidden`.
    """
    ensure_can_create(actor)
    ensure_by_tomorrow("spent_on", fields.spent_on, settings)
    currency = fields.currency or settings.currency
    ensure_fits_currency(fields.amount, currency)
    amount = with_decimals(fields.amount, currency)
    values = fields.model_dump(exclude_none=True) | {"amount": amount, "currency": currency}
    row = values | {"owner_id": actor.id}
    if idempotency_key is not None:
        ticket_id, is_repeat = await _claim(connection, idempotency_key, values, actor=actor)
        if is_repeat:
            return ticket_id
        row["id"] = ticket_id
    created: int = (await connection.execute(_INSERT, row)).scalar_one()
    await record(
        connection,
        "ticket.created",
        actor_id=actor.id,
        ticket_id=created,
        owner_id=actor.id,
        **_for_history(values),
    )
    return created


async def edit_ticket(
    connection: AsyncConnection,
    ticket_id: int,
    changes: TicketChanges,
    *,
    actor: Actor,
    settings: Settings,
    seen_at: datetime | None = None,
) -> None:
    """Raises `InvalidInput`, `OtherDecimals`, `NotPending` with the decision that came first, and
    `TicketChanged` where it was edited since `seen_at`.
    """
    ticket = await lock_own_pending(connection, ticket_id, actor=actor)
    if seen_at is not None and ticket.updated_at > seen_at:
        raise TicketChanged(id=ticket_id)
    if changes.spent_on is not None:
        ensure_by_tomorrow("spent_on", changes.spent_on, settings)
    given = changes.model_dump(exclude_unset=True) | _amount_and_currency(ticket, changes)
    before = {name: getattr(ticket, name) for name in given}
    changed = {name: value for name, value in given.items() if value != before[name]}
    if not changed:
        return
    await connection.execute(
        update(ticket_table).where(ticket_table.c.id == ticket_id).values(changed)
    )
    await record(
        connection,
        "ticket.edited",
        actor_id=actor.id,
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
        before=_for_history({name: before[name] for name in changed}),
        after=_for_history(changed),
    )


def _amount_and_currency(ticket: LockedTicket, changes: TicketChanges) -> dict[str, Any]:
    """Check the two against each other, whichever of them is new."""
    if changes.amount is None and changes.currency is None:
        return {}
    amount, currency = changes.amount or ticket.amount, changes.currency or ticket.currency
    try:
        ensure_fits_currency(amount, currency)
    except InvalidInput:
        if changes.amount is not None and changes.currency is not None:
            raise
        raise OtherDecimals(id=ticket.id, amount=amount, currency=currency) from None
    return {"amount": with_decimals(amount, currency), "currency": currency}


async def withdraw_ticket(connection: AsyncConnection, ticket_id: int, *, actor: Actor) -> None:
    """Raises `NotPending` where it was decided or withdrawn already."""
    ticket = await lock_own_pending(connection, ticket_id, actor=actor)
    await connection.execute(
        update(ticket_table)
        .where(ticket_table.c.id == ticket_id)
        .values(status=TicketStatus.WITHDRAWN)
    )
    await record(
        connection,
        "ticket.withdrawn",
        actor_id=actor.id,
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
    )


async def delete_old_keys(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(idempotency_key_table).where(
            idempotency_key_table.c.created_at < func.now() - KEYS_KEPT
        )
    )


async def lock_own_pending(
    connection: AsyncConnection, ticket_id: int, *, actor: Actor
) -> LockedTicket:
    """Raises `NotFound`, `Forbidden` where it is not the actor's, `NotPending`."""
    ticket = await lock_ticket(connection, ticket_id, actor=actor)
    ensure_owns(actor, ticket)
    if ticket.status is not TicketStatus.PENDING:
        raise no_longer_pending(await get_ticket(connection, ticket_id, actor=actor), NotPending)
    return ticket


def ensure_by_tomorrow(field: str, day: date, settings: Settings) -> None:
    """Raises `InvalidInput` for a day after tomorrow.

    People in another time zone, and their banks, may have tomorrow's date.
    """
    if day > settings.today() + timedelta(days=1):
        raise InvalidInput({field: N_("This date is in the future. Use today or an earlier date.")})


async def _claim(
    connection: AsyncConnection, key: str, values: dict[str, Any], *, actor: Actor
) -> tuple[int, bool]:
    """Return the ticket id that belongs to the key, and whether that ticket exists already.

    Of two requests at once, the second waits here until the first has committed or failed.
    """
    fingerprint = hashlib.sha256(repr(sorted(values.items())).encode()).digest()
    ticket_id = await connection.scalar(
        insert(idempotency_key_table)
        .values(
            user_id=actor.id,
            key=key,
            ticket_id=func.nextval("tickets_id_seq"),
            fingerprint=fingerprint,
        )
        .on_conflict_do_nothing()
        .returning(idempotency_key_table.c.ticket_id)
    )
    if ticket_id is not None:
        return ticket_id, False
    first = await connection.scalar(
        select(idempotency_key_table.c.ticket_id).where(
            idempotency_key_table.c.user_id == actor.id,
            idempotency_key_table.c.key == key,
            idempotency_key_table.c.fingerprint == fingerprint,
        )
    )
    if first is None:
        raise IdempotencyKeyReused()
    return first, True


def _for_history(values: dict[str, Any]) -> dict[str, Any]:
    """Write amounts and dates as text, exactly: JSON has no type for them."""
    return {
        name: value if isinstance(value, list | None) else str(value)
        for name, value in values.items()
    }
