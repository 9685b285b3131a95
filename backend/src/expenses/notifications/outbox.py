"""Messages that are to be sent: written with what they tell of, sent after that is committed.

A row is there as long as its message is neither delivered nor called off. Whoever sends it claims
it first, for as long as sending can take: until then nobody else sees it as due. So no connection
and no lock is held while a slow server answers, and what a killed process had claimed is due again
when its time is over. Sent at least once, and by one process at a time.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Index, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from expenses.database.engine import after_commit, outgoing_of
from expenses.database.tables import Base, stored_as_text, table_of

# Longer than the messages claimed together may take.
LEASE = timedelta(seconds=60)
# What was given up, or waits for a server that is no longer named, is seen for so long.
KEPT = timedelta(days=30)
LONGEST_PROBLEM = 200


class Channel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"


class State(StrEnum):
    WAITING = "waiting"
    FAILED = "failed"


class Message(Base):
    """What happened, to be told to somebody. `facts` are as they were when it happened.

    No foreign keys: each has been looked at in the transaction that writes the row, and the table
    can stay where it is when others are distributed. `user_id` is the recipient of a mail, and whom
    a webhook's message is about. `key` stays the same however often it is sent.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[uuid.UUID] = mapped_column(server_default=func.gen_random_uuid())
    channel: Mapped[Channel] = mapped_column(stored_as_text(Channel, "channel"))
    action: Mapped[str]
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[int] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # While somebody sends it: until when it is theirs.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[State] = mapped_column(stored_as_text(State, "state"), server_default="waiting")
    # Why it could not be sent the last time.
    problem: Mapped[str | None]

    __table_args__ = (
        Index("ix_outbox_due", "channel", "due_at", postgresql_where=text("state = 'waiting'")),
        Index(None, "created_at"),
    )


message_table = table_of(Message)


class ClaimedMessage(NamedTuple):
    """A message that this process may send until its lease ends, at `due_at`."""

    id: int
    key: uuid.UUID
    channel: Channel
    action: str
    event_id: int | None
    actor_id: int | None
    ticket_id: int | None
    user_id: int
    facts: dict[str, Any]
    created_at: datetime
    due_at: datetime
    attempts: int


class Subject(NamedTuple):
    """What one message is about."""

    user_id: int
    event_id: int | None = None
    ticket_id: int | None = None
    facts: dict[str, Any] = {}


async def announce(
    connection: AsyncConnection,
    action: str,
    subjects: Sequence[Subject],
    *,
    actor_id: int | None,
    by: Collection[Channel] = tuple(Channel),
) -> None:
    """Have it told by those of the channels that lead anywhere, once it is committed.

    One statement, however many there are; none where no channel leads anywhere.
    """
    outgoing = outgoing_of(connection)
    channels = [channel for channel in by if channel in outgoing]
    if not channels or not subjects:
        return
    await connection.execute(
        insert(message_table),
        [
            {"channel": channel, "action": action, "actor_id": actor_id, **subject._asdict()}
            for channel in channels
            for subject in subjects
        ],
    )
    for channel in channels:
        after_commit(connection, outgoing[channel].set)


async def claim(
    connection: AsyncConnection, channel: Channel, *, most: int
) -> list[ClaimedMessage]:
    """Messages that are due, for the caller alone until the lease ends; the oldest first."""
    due = (
        select(message_table.c.id)
        .where(
            message_table.c.channel == channel,
            message_table.c.state == State.WAITING,
            message_table.c.due_at <= func.now(),
        )
        .order_by(message_table.c.due_at, message_table.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        # Once: a subquery may be run again, and would then claim others, too.
        .cte("due")
    )
    claimed = await connection.execute(
        update(message_table)
        .where(message_table.c.id.in_(select(due.c.id)))
        .values(due_at=func.now() + LEASE)
        .returning(*(message_table.c[name] for name in ClaimedMessage._fields))
    )
    return sorted(ClaimedMessage._make(row) for row in claimed)


async def remove(connection: AsyncConnection, message: ClaimedMessage) -> None:
    """It is delivered, or nobody is to have it any more."""
    await connection.execute(delete(message_table).where(message_table.c.id == message.id))


async def postpone(
    connection: AsyncConnection, message: ClaimedMessage, delay: timedelta, problem: str
) -> None:
    """It was tried in vain and will be again."""
    await _settle(
        connection,
        message,
        due_at=func.now() + delay,
        attempts=message_table.c.attempts + 1,
        problem=problem[:LONGEST_PROBLEM],
    )


async def give_up(connection: AsyncConnection, message: ClaimedMessage, problem: str) -> None:
    await _settle(
        connection,
        message,
        state=State.FAILED,
        attempts=message_table.c.attempts + 1,
        problem=problem[:LONGEST_PROBLEM],
    )


async def release(connection: AsyncConnection, message: ClaimedMessage) -> None:
    """It was claimed and not tried."""
    await _settle(connection, message, due_at=func.now())


async def delete_old(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(message_table).where(message_table.c.created_at < func.now() - KEPT)
    )


async def _settle(connection: AsyncConnection, message: ClaimedMessage, **values: Any) -> None:
    """Unless the lease has ended, and somebody else has the message."""
    await connection.execute(
        update(message_table)
        .where(message_table.c.id == message.id, message_table.c.due_at == message.due_at)
        .values(**values)
    )
