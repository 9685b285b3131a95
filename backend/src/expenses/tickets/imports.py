"""Many tickets of one owner from a file: all of them or none, and none of them twice."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Date, Numeric, Row, and_, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.settings import Settings
from expenses.tickets.actions import create_ticket
from expenses.tickets.models import (
    TicketStatus,
    idempotency_key_table,
    import_headings_table,
    ticket_table,
)
from expenses.tickets.policy import ensure_can_create
from expenses.tickets.queries import owners, visible_to
from expenses.tickets.schemas import TicketFields
from expenses.users.models import Actor

MAX_ROWS = 5_000

# All that makes two tickets equal.
_Content = tuple[Any, ...]


@dataclass(frozen=True)
class ImportRow:
    """A ticket to file, and the number of its row in the file."""

    number: int
    fields: TicketFields


@dataclass(frozen=True)
class Match:
    """A ticket of the owner's that equals a row in everything the row says."""

    ticket_id: int
    status: TicketStatus


async def import_tickets(
    connection: AsyncConnection,
    rows: Sequence[ImportRow],
    *,
    actor: Actor,
    settings: Settings,
    key: str,
    wanted: Collection[int] = (),
) -> list[int]:
    """File the rows that are not filed already, and those whose numbers are `wanted` anyway.

    Returns the tickets' ids; the same rows with the same `key` return the ids of the first time.
    Raises `InvalidInput`, `Forbidden`.
    """
    ensure_can_create(actor)
    await _wait_for_other_imports(connection, actor)
    keys = {row.number: _key_of(key, row) for row in rows}
    repeated = await _known_keys(connection, keys.values(), actor=actor)
    there = await find_matches(connection, rows, actor=actor, settings=settings)
    return [
        await create_ticket(
            connection,
            row.fields,
            actor=actor,
            settings=settings,
            idempotency_key=keys[row.number],
        )
        for row in rows
        if row.number not in there or row.number in wanted or keys[row.number] in repeated
    ]


async def find_matches(
    connection: AsyncConnection, rows: Sequence[ImportRow], *, actor: Actor, settings: Settings
) -> dict[int, Match]:
    """Find, by row number, tickets that exist already, withdrawn ones included; one statement.

    Each ticket matches one row: of two equal rows and one ticket, one row is new.
    """
    there = await _tickets_like(connection, rows, actor=actor)
    found: dict[int, Match] = {}
    for row in rows:
        if matches := there[_content(row.fields, row.fields.currency or settings.currency)]:
            found[row.number] = matches.pop(0)
    return found


async def _tickets_like(
    connection: AsyncConnection, rows: Sequence[ImportRow], *, actor: Actor
) -> defaultdict[_Content, list[Match]]:
    """Find the owner's tickets with the date and amount of a row, by content, oldest first."""
    purchases = {(row.fields.spent_on, row.fields.amount) for row in rows}
    purchase = (
        func.unnest(
            literal([day for day, _ in purchases], ARRAY(Date)),
            literal([amount for _, amount in purchases], ARRAY(Numeric)),
        )
        .table_valued("spent_on", "amount")
        .render_derived("purchase")
    )
    tickets = await connection.execute(
        select(ticket_table)
        .join(owners, owners.c.id == ticket_table.c.owner_id)
        .join(
            purchase,
            and_(
                ticket_table.c.spent_on == purchase.c.spent_on,
                ticket_table.c.amount == purchase.c.amount,
            ),
        )
        .where(visible_to(actor), ticket_table.c.owner_id == actor.id)
        .order_by(ticket_table.c.id)
    )
    there: defaultdict[_Content, list[Match]] = defaultdict(list)
    for ticket in tickets:
        there[_content(ticket, ticket.currency)].append(Match(ticket.id, ticket.status))
    return there


async def remembered_headings(connection: AsyncConnection, *, actor: Actor) -> dict[str, str]:
    """Return the fields that the actor has chosen for headings of their files."""
    headings: dict[str, str] | None = await connection.scalar(
        select(import_headings_table.c.headings).where(import_headings_table.c.user_id == actor.id)
    )
    return headings or {}


async def remember_headings(
    connection: AsyncConnection, headings: Mapping[str, str], *, actor: Actor
) -> None:
    """Keep what the actor has chosen; no event, since it changes nothing that others see."""
    headings = await remembered_headings(connection, actor=actor) | dict(headings)
    new = insert(import_headings_table).values(user_id=actor.id, headings=headings)
    await connection.execute(
        new.on_conflict_do_update(
            index_elements=[import_headings_table.c.user_id],
            set_={"headings": new.excluded.headings},
        )
    )


def _content(said: TicketFields | Row[*tuple[Any, ...]], currency: str) -> _Content:
    return (
        said.spent_on,
        said.amount,
        currency,
        said.category,
        said.description,
        said.merchant,
        tuple(said.links),
    )


async def _wait_for_other_imports(connection: AsyncConnection, actor: Actor) -> None:
    """Make the second of two imports at once see what the first has filed.

    Not a lock on the user's row, which a sharded database would turn into one on all users.
    """
    key = func.hashtextextended(f"import {actor.id}", 0)
    await connection.execute(select(func.pg_advisory_xact_lock(key)))


async def _known_keys(
    connection: AsyncConnection, keys: Collection[str], *, actor: Actor
) -> set[str]:
    known = await connection.scalars(
        select(idempotency_key_table.c.key).where(
            idempotency_key_table.c.user_id == actor.id, idempotency_key_table.c.key.in_(keys)
        )
    )
    return set(known)


def _key_of(key: str, row: ImportRow) -> str:
    return hashlib.sha256(f"{key} {row.number} {row.fields!r}".encode()).hexdigest()
