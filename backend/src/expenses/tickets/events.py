"""The history as employers read it: who did what, when, to which ticket or user."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.errors import Forbidden
from expenses.history import event_table
from expenses.i18n.text import N_
from expenses.tickets.queries import get_ticket
from expenses.users.models import Actor, Role, user_table
from expenses.users.policy import can_see_employees

doers = user_table.alias("doer")
concerned = user_table.alias("concerned")
owners = user_table.alias("owner")


class Action(StrEnum):
    """Every action that is recorded; a test makes sure that there are no others."""

    TICKET_CREATED = "ticket.created"
    TICKET_EDITED = "ticket.edited"
    TICKET_WITHDRAWN = "ticket.withdrawn"
    TICKET_APPROVED = "ticket.approved"
    TICKET_DENIED = "ticket.denied"
    TICKET_REOPENED = "ticket.reopened"
    TICKET_RECEIPT_ADDED = "ticket.receipt_added"
    TICKET_RECEIPT_REMOVED = "ticket.receipt_removed"
    TICKET_ADDED_TO_RUN = "ticket.added_to_payment_run"
    TICKET_TAKEN_OUT_OF_RUN = "ticket.taken_out_of_payment_run"
    TICKET_PAYMENT_CONFIRMED = "ticket.payment_confirmed"
    TICKET_PAID = "ticket.paid"
    TICKET_PAYMENT_CANCELLED = "ticket.payment_cancelled"
    TICKET_PAYMENT_VOIDED = "ticket.payment_voided"
    RUN_CREATED = "payment_run.created"
    RUN_SET_IN_CASH = "payment_run.set_in_cash"
    RUN_SET_BY_BANK = "payment_run.set_by_bank"
    RUN_CONFIRMED = "payment_run.confirmed"
    RUN_FILE_MADE = "payment_run.file_made"
    RUN_PAID = "payment_run.paid"
    RUN_CANCELLED = "payment_run.cancelled"
    RUN_VOIDED = "payment_run.voided"
    USER_REGISTERED = "user.registered"
    USER_NEW_DEVICE = "user.new_device"
    USER_LINKED = "user.linked"
    USER_UNLINKED = "user.unlinked"
    INVITATION_CREATED = "invitation.created"
    INVITATION_RESENT = "invitation.resent"
    INVITATION_REVOKED = "invitation.revoked"
    USER_RENAMED = "user.renamed"
    USER_EMAIL_CHANGE_REQUESTED = "user.email_change_requested"
    USER_EMAIL_CHANGED = "user.email_changed"
    USER_PASSWORD_CHANGED = "user.password_changed"  # noqa: S105, the name of an event
    USER_PAYOUT_CHANGED = "user.payout_changed"
    USER_PAYOUT_REMOVED = "user.payout_removed"
    USER_RESET_LINK_MADE = "user.reset_link_made"
    USER_PASSWORD_RESET = "user.password_reset"  # noqa: S105, the name of an event
    USER_PASSKEY_ADDED = "user.passkey_added"
    USER_PASSKEY_REMOVED = "user.passkey_removed"
    USER_RECOVERY_CODES_MADE = "user.recovery_codes_made"
    USER_RECOVERY_CODE_USED = "user.recovery_code_used"
    USER_SECOND_FACTOR_RESET = "user.second_factor_reset"
    USER_SESSION_ENDED = "user.session_ended"
    USER_MAILS_SWITCHED_ON = "user.mails_switched_on"
    USER_MAILS_SWITCHED_OFF = "user.mails_switched_off"
    TOKEN_CREATED = "token.created"  # noqa: S105, the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105, the name of an event
    USER_SUSPENDED = "user.suspended"
    USER_REACTIVATED = "user.reactivated"
    USER_ERASED = "user.erased"
    USER_ROLE_CHANGED = "user.role_changed"
    USER_DEACTIVATED = "user.deactivated"
    USER_ACTIVATED = "user.activated"


# Built once, since it is sent with every list.
_RECENT_REASONS = (
    select(event_table.c.details["reason"].astext)
    .where(
        # Some deny a lot, others never.
        event_table.c.actor_id == bindparam("actor_id", literal_execute=True),
        event_table.c.action == constant(Action.TICKET_DENIED),
    )
    .order_by(event_table.c.id.desc())
    .limit(constant(50))
)


class HistoryLine(NamedTuple):
    """An event with names; it is about either a ticket or a user."""

    id: int
    at: datetime
    action: str
    actor_id: int
    actor_username: str
    actor_role: Role
    ticket_id: int | None
    user_id: int | None
    user_username: str | None
    user_role: Role | None
    details: dict[str, Any]


class EventView(NamedTuple):
    id: int
    at: datetime
    action: str
    actor_id: int
    actor_username: str
    details: dict[str, Any]


@dataclass(frozen=True)
class EventFilter:
    """Conditions that must all hold. `since` is included, `until` is not."""

    actor_id: int | None = None
    action: Action | None = None
    ticket_id: int | None = None
    user_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class HistoryPage:
    """Events, newest first; `next_before` is the id to continue from, None at the end."""

    items: Sequence[HistoryLine]
    next_before: int | None


async def list_events(
    connection: AsyncConnection,
    *,
    actor: Actor,
    matching: EventFilter,
    before: int | None = None,
    limit: int,
) -> HistoryPage:
    query = _lines(actor).where(*_conditions(matching))
    if before is not None:
        query = query.where(event_table.c.id < before)
    rows = await connection.execute(
        query.order_by(event_table.c.id.desc()).limit(constant(limit + 1))
    )
    lines = [HistoryLine._make(row) for row in rows]
    return HistoryPage(lines[:limit], lines[limit - 1].id if len(lines) > limit else None)


async def list_deeds(
    connection: AsyncConnection, user_id: int, *, actor: Actor, limit: int
) -> list[HistoryLine]:
    """List what a user did to tickets and payment runs, newest first."""
    rows = await connection.execute(
        _lines(actor)
        .where(event_table.c.actor_id == user_id, event_table.c.user_id.is_(None))
        .order_by(event_table.c.id.desc())
        .limit(constant(limit))
    )
    return [HistoryLine._make(row) for row in rows]


async def suspensions_of(
    connection: AsyncConnection, employee_id: int, *, actor: Actor, limit: int
) -> list[HistoryLine]:
    """List when an employee was suspended and reactivated, newest first."""
    rows = await connection.execute(
        _lines(actor)
        .where(
            event_table.c.user_id == employee_id,
            event_table.c.action.in_([Action.USER_SUSPENDED, Action.USER_REACTIVATED]),
        )
        .order_by(event_table.c.id.desc())
        .limit(constant(limit))
    )
    return [HistoryLine._make(row) for row in rows]


async def recent_reasons(connection: AsyncConnection, *, actor: Actor) -> list[str]:
    """List what `actor` denied tickets with lately, the last first, each once; a handful."""
    reasons = await connection.scalars(_RECENT_REASONS, {"actor_id": actor.id})
    return list(dict.fromkeys(filter(None, reasons)))[:8]


async def ticket_history(
    connection: AsyncConnection, ticket_id: int, *, actor: Actor
) -> Sequence[EventView]:
    """List everything that happened to a ticket that `actor` sees, oldest first."""
    await get_ticket(connection, ticket_id, actor=actor)
    rows = await connection.execute(
        select(
            event_table.c.id,
            event_table.c.at,
            event_table.c.action,
            event_table.c.actor_id,
            user_table.c.username,
            event_table.c.details,
        )
        .join(user_table, user_table.c.id == event_table.c.actor_id)
        .where(event_table.c.ticket_id == ticket_id)
        .order_by(event_table.c.id)
    )
    return [EventView._make(row) for row in rows]


def _lines(actor: Actor) -> Select[*tuple[Any, ...]]:
    if not can_see_employees(actor):
        raise Forbidden(N_("Only employers can see everyone's history."))
    query = select(
        event_table.c.id,
        event_table.c.at,
        event_table.c.action,
        event_table.c.actor_id,
        doers.c.username,
        doers.c.role,
        event_table.c.ticket_id,
        event_table.c.user_id,
        concerned.c.username,
        concerned.c.role,
        event_table.c.details,
    )
    return (
        shown(query)
        .join(doers, doers.c.id == event_table.c.actor_id)
        .outerjoin(concerned, concerned.c.id == event_table.c.user_id)
    )


def shown(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Leave out events of tickets that `tickets.queries.visible_to` hides from employers."""
    return (
        query.select_from(event_table)
        .outerjoin(owners, owners.c.id == event_table.c.owner_id)
        .where(owners.c.suspended_at.is_(None))
    )


def _conditions(matching: EventFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for column, value in (
        (event_table.c.actor_id, matching.actor_id),
        (event_table.c.ticket_id, matching.ticket_id),
        (event_table.c.user_id, matching.user_id),
    ):
        if value is not None:
            found.append(column == value)
    if matching.action is not None:
        # Some happen all the time, others never.
        found.append(event_table.c.action == constant(matching.action))
    if matching.since is not None:
        found.append(event_table.c.at >= matching.since)
    if matching.until is not None:
        found.append(event_table.c.at < matching.until)
    return found
