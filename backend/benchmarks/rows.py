"""The rows of a made-up company, in the order of the columns that are filled, and its events."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson


class UserRow(NamedTuple):
    id: int
    email: str
    username: str
    role: str
    password_hash: str
    suspended_at: datetime | None
    created_at: datetime


class TicketRow(NamedTuple):
    id: int
    owner_id: int
    spent_on: date
    amount: Decimal
    currency: str
    category: str
    description: str
    links: list[str]
    status: str
    decided_by_id: int | None
    decided_at: datetime | None
    decision_reason: str | None
    created_at: datetime
    updated_at: datetime


class EventRow(NamedTuple):
    at: datetime
    actor_id: int
    action: str
    ticket_id: int | None
    owner_id: int | None
    user_id: int | None
    details: str


class Batch(NamedTuple):
    """Some tickets, and what has happened up to the last of them: older events came before."""

    tickets: list[TicketRow]
    events: list[EventRow]


def created(ticket: TicketRow) -> EventRow:
    details = {
        "spent_on": ticket.spent_on,
        "amount": str(ticket.amount),
        "currency": ticket.currency,
        "category": ticket.category,
        "description": ticket.description,
        "links": ticket.links,
    }
    return of_ticket(
        "ticket.created", ticket.created_at, ticket.owner_id, ticket, orjson.dumps(details)
    )


def of_ticket(
    action: str, at: datetime, actor_id: int, ticket: TicketRow, details: bytes
) -> EventRow:
    return EventRow(at, actor_id, action, ticket.id, ticket.owner_id, None, details.decode())


def of_user(action: str, at: datetime, actor_id: int, user_id: int, **details: Any) -> EventRow:
    return EventRow(at, actor_id, action, None, None, user_id, orjson.dumps(details).decode())
