"""The append-only history: who did what, when, to which ticket or user."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, func, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.engine import after_commit
from expenses.database.tables import Base, table_of

logger = logging.getLogger(__name__)

# How long one's own action can be taken back without a reason.
UNDO_PERIOD = timedelta(minutes=10)

_IS_DENIAL = text("action = 'ticket.denied'")


class Event(Base):
    """Something that happened; a trigger refuses to change or delete it."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    # The ticket's owner, who never changes: whether an event is shown is told without the ticket,
    # which a sharded database may keep on another machine.
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")

    __table_args__ = (
        Index(None, "ticket_id", "id"),
        Index(None, "user_id", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "action", "id"),
        Index(None, "at"),
        # For an employer's recent reasons.
        Index("ix_events_denials", "actor_id", "id", postgresql_where=_IS_DENIAL),
        CheckConstraint("(ticket_id IS NULL) = (owner_id IS NULL)", name="ticket_has_owner"),
    )


event_table = table_of(Event)
_INSERT = insert(event_table).returning(event_table.c.id)


async def record(
    connection: AsyncConnection,
    action: str,
    *,
    actor_id: int,
    ticket_id: int | None = None,
    owner_id: int | None = None,
    user_id: int | None = None,
    **details: Any,
) -> int:
    """Write one event in the transaction of its change and return its id.

    `action` is a noun and a verb ("ticket.approved"); `details` must fit into JSON. A ticket comes
    with its owner.
    """
    event = {
        "action": action,
        "actor_id": actor_id,
        "ticket_id": ticket_id,
        "owner_id": owner_id,
        "user_id": user_id,
        "details": details,
    }
    event_id: int = (await connection.execute(_INSERT, event)).scalar_one()
    log_after_commit(connection, action, actor_id=actor_id, ticket_id=ticket_id, user_id=user_id)
    return event_id


def log_after_commit(
    connection: AsyncConnection,
    action: str,
    *,
    actor_id: int,
    ticket_id: int | None = None,
    user_id: int | None = None,
) -> None:
    """Write a log line of an event once nothing can undo it."""
    fields = {"actor": actor_id, "ticket": ticket_id, "on_user": user_id}
    after_commit(connection, lambda: logger.info(action, extra={"fields": fields}))


async def record_all(
    connection: AsyncConnection, action: str, details: Sequence[dict[str, Any]], *, actor_id: int
) -> None:
    """Write the same event several times, each with details of its own."""
    events = [{"action": action, "actor_id": actor_id, "details": each} for each in details]
    await connection.execute(insert(event_table), events)


async def record_many(
    connection: AsyncConnection,
    action: str,
    tickets: Sequence[tuple[int, int]],
    *,
    actor_id: int,
    **details: Any,
) -> None:
    """Write the same event for many tickets, each given as its id and its owner's."""
    if not tickets:
        return
    await connection.execute(
        insert(event_table),
        [
            {
                "action": action,
                "actor_id": actor_id,
                "ticket_id": ticket_id,
                "owner_id": owner_id,
                "details": details,
            }
            for ticket_id, owner_id in tickets
        ],
    )
