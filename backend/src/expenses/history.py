"""The append-only history: who did what, when, to which ticket or user."""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database import Base, after_commit
from expenses.logs import fields

logger = logging.getLogger(__name__)


_IS_DENIAL = text("action = 'ticket.denied'")


class Event(Base):
    """One thing that happened. A trigger refuses to change or delete it."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")

    __table_args__ = (
        Index(None, "ticket_id", "id"),
        Index(None, "user_id", "id"),
        Index(None, "actor_id", "id"),
        Index(None, "action", "id"),
        Index(None, "at"),
        # For the reasons that somebody gave lately.
        Index("ix_events_denials", "actor_id", "id", postgresql_where=_IS_DENIAL),
    )


async def record(
    session: AsyncSession,
    action: str,
    *,
    actor_id: int,
    ticket_id: int | None = None,
    user_id: int | None = None,
    **details: Any,
) -> int:
    """Write one event, in the transaction of the change it tells of; its id.

    `action` is a noun and a verb ("ticket.approved"); `details` must fit into JSON.
    """
    event = Event(
        action=action,
        actor_id=actor_id,
        ticket_id=ticket_id,
        user_id=user_id,
        details=details,
    )
    session.add(event)
    await session.flush()
    facts = fields(actor=actor_id, ticket=ticket_id, on_user=user_id)
    after_commit(session, lambda: logger.info(action, extra=facts))
    return event.id
