"""The outbox: messages are written in the transaction they report, and sent once it is committed.

A row stays until its message is delivered or no longer wanted. A process claims it with a lease
before sending, so no connection or lock is held while a slow server answers, and the messages of a
killed process become due again when their lease ends. Each is sent at least once, by one process
at a time.
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

# Longer than a batch takes to send.
LEASE = timedelta(seconds=60)
# How long failed messages, and those for a channel that is no longer configured, are kept.
KEPT = timedelta(days=30)
MAX_PROBLEM_LENGTH = 200


class Channel(StrEnum):
    MAIL = "mail"
    WEBHOOK = "webhook"


class State(StrEnum):
    WAITING = "waiting"
    FAILED = "failed"


class Message(Base):
    """A message to send, with the `facts` as they were when it was written.

    `user_id` is the recipient of a mail, or the person a webhook post is about; without one, a mail
    goes to the address `to` of its facts. `key` stays the same across attempts. There are no
    foreign keys: the rows were checked in the same transaction, and the table stays on one node
    when others are distributed.
    """

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    key: Mapped[uuid.UUID] = mapped_column(server_default=func.gen_random_uuid())
    channel: Mapped[Channel] = mapped_column(stored_as_text(Channel, "channel"))
    action: Mapped[str]
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # For a claimed message: when its lease ends.
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(server_default="0")
    state: Mapped[State] = mapped_column(stored_as_text(State, "state"), server_default="waiting")
    # Why the last attempt failed.
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
    user_id: int | None
    facts: dict[str, Any]
    created_at: datetime
    due_at: datetime
    attempts: int


class Subject(NamedTuple):
    """The subject of one message."""

    user_id: int | None
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
    """Write a message per subject and configured channel, to be sent after the commit.

    Takes one statement for any number of subjects, and none where no channel is configured.
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
    """Claim due messages, oldest first, for this process until the lease ends."""
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
        # A CTE runs once; a plain subquery could run again and claim more rows.
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
    """Delete a message that was delivered or is no longer wanted."""
    await connection.execute(delete(message_table).where(message_table.c.id == message.id))


async def postpone(
    connection: AsyncConnection, message: ClaimedMessage, delay: timedelta, problem: str
) -> None:
    """Try a message again after `delay`."""
    await _settle(
        connection,
        message,
        due_at=func.now() + delay,
        attempts=message_table.c.attempts + 1,
        problem=problem[:MAX_PROBLEM_LENGTH],
    )


async def give_up(connection: AsyncConnection, message: ClaimedMessage, problem: str) -> None:
    await _settle(
        connection,
        message,
        state=State.FAILED,
        attempts=message_table.c.attempts + 1,
        problem=problem[:MAX_PROBLEM_LENGTH],
    )


async def release(connection: AsyncConnection, message: ClaimedMessage) -> None:
    """Make a claimed message due again without counting an attempt."""
    await _settle(connection, message, due_at=func.now())


async def delete_old(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(message_table).where(message_table.c.created_at < func.now() - KEPT)
    )


async def _settle(connection: AsyncConnection, message: ClaimedMessage, **values: Any) -> None:
    """Update a message unless its lease has ended and another process has claimed it."""
    await connection.execute(
        update(message_table)
        .where(message_table.c.id == message.id, message_table.c.due_at == message.due_at)
        .values(**values)
    )
