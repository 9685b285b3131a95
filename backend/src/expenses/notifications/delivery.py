"""Sends, while the server runs, the messages that wait in the outbox."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from prometheus_client import Counter

from expenses.database.engine import Database
from expenses.errors import ExpensesError
from expenses.notifications import outbox
from expenses.notifications.channels import (
    SEND_SECONDS,
    Carrier,
    Carry,
    NotDelivered,
    Parcel,
    mail_carrier,
    webhook_carrier,
)
from expenses.notifications.digest import write_digests
from expenses.notifications.outbox import LEASE, Channel, ClaimedMessage
from expenses.settings import Settings
from expenses.users.queries import users_by_id

# New messages of this process are sent at once; those of another one that has ended, or that are
# due again, within so many seconds.
POLL_SECONDS = 5
DIGEST_SECONDS = 60
# Claimed together. Each has its own time, and what does not fit into the lease is given back.
BATCH_SIZE = 20

# For about a day: half of the time passes between the last three attempts.
MOST_ATTEMPTS = 14
SHORTEST_DELAY = timedelta(seconds=15)
LONGEST_DELAY = timedelta(hours=6)

# What is being sent when the server is told to end has so long; requests have had theirs before.
SHUTDOWN_SECONDS = 4

CARRIERS: dict[str, Carrier] = {Channel.MAIL: mail_carrier, Channel.WEBHOOK: webhook_carrier}

logger = logging.getLogger(__name__)

MESSAGES = Counter(
    "expenses_messages",
    "Mails and posts to the webhook, by what came of each attempt.",
    ["channel", "result"],
)


def channels_of(settings: Settings) -> list[Channel]:
    """Those that lead anywhere."""
    targets = {Channel.MAIL: settings.smtp_url, Channel.WEBHOOK: settings.webhook_url}
    return [channel for channel, target in targets.items() if target is not None]


@asynccontextmanager
async def running(database: Database, settings: Settings) -> AsyncIterator[None]:
    """For each channel a task of its own: a mail server that hangs holds up no webhook."""
    stopping = asyncio.Event()
    tasks = [
        asyncio.create_task(_deliver(database, Channel(channel), settings, stopping))
        for channel in database.outgoing
    ]
    if Channel.MAIL in database.outgoing:
        tasks.append(asyncio.create_task(_write_digests(database, settings, stopping)))
    yield
    stopping.set()
    for news in database.outgoing.values():
        news.set()
    if tasks:
        _, unfinished = await asyncio.wait(tasks, timeout=SHUTDOWN_SECONDS)
        for task in unfinished:
            # Its message stays claimed until its lease ends, and is sent by whoever comes then.
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def deliver_due(
    database: Database, channel: Channel, settings: Settings, stopping: asyncio.Event
) -> int:
    """Claim some messages and send one after the other; how many were claimed."""
    loop = asyncio.get_running_loop()
    last_start = loop.time() + LEASE.total_seconds() - 2 * SEND_SECONDS
    async with database.transaction() as connection:
        messages = await outbox.claim(connection, channel, most=BATCH_SIZE)
    if not messages:
        return 0
    async with CARRIERS[channel](settings) as carry:
        for message in messages:
            if stopping.is_set() or loop.time() > last_start:
                async with database.transaction() as connection:
                    await outbox.release(connection, message)
            else:
                await _send(database, message, carry)
    return len(messages)


async def _send(database: Database, message: ClaimedMessage, carry: Carry) -> None:
    """No connection to the database is held while the other side takes its time."""
    parcel = await _parcel(database, message)
    try:
        if parcel is not None:
            await carry(parcel)
    except NotDelivered as failure:
        await _try_later(database, message, failure)
        return
    except Exception:
        logger.exception("A message cannot be written", extra=_facts(message))
        await _try_later(database, message, NotDelivered("unexpected"))
        return
    async with database.transaction() as connection:
        await outbox.remove(connection, message)
    logger.info("Not sent" if parcel is None else "Sent", extra=_facts(message))
    _count(message, "called-off" if parcel is None else "delivered")


async def _parcel(database: Database, message: ClaimedMessage) -> Parcel | None:
    """None where nobody is to have it: asked just before it is sent."""
    ids = {message.user_id, message.actor_id} - {None}
    async with database.reading() as connection:
        people = await users_by_id(connection, [number for number in ids if number is not None])
    user = people.get(message.user_id)
    if user is None:
        return None
    if message.channel is Channel.MAIL and (user.suspended_at or not user.gets_mails):
        return None
    return Parcel(message, user, people.get(message.actor_id or 0))


async def _try_later(database: Database, message: ClaimedMessage, failure: NotDelivered) -> None:
    problem = ": ".join(filter(None, (failure.reason, failure.answer)))
    attempt = message.attempts + 1
    facts = _facts(message, attempt=attempt, reason=failure.reason)
    async with database.transaction() as connection:
        if failure.is_final or attempt >= MOST_ATTEMPTS:
            await outbox.give_up(connection, message, problem)
            logger.error("A message could not be delivered and is given up", extra=facts)
            _count(message, "given-up")
        else:
            await outbox.postpone(connection, message, delay_after(attempt), problem)
            logger.warning("A message could not be delivered yet", extra=facts)
            _count(message, "postponed")


def _count(message: ClaimedMessage, result: str) -> None:
    MESSAGES.labels(message.channel.value, result).inc()


def delay_after(attempt: int) -> timedelta:
    """Twice as long each time, and never quite the same: not all are to come back at once."""
    delay: timedelta = min(SHORTEST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY)
    return delay * random.uniform(0.8, 1.2)  # noqa: S311, nobody gains by guessing it


async def _deliver(
    database: Database, channel: Channel, settings: Settings, stopping: asyncio.Event
) -> None:
    news = database.outgoing[channel]
    while not stopping.is_set():
        news.clear()
        claimed = await _guarded(lambda: deliver_due(database, channel, settings, stopping))
        if not claimed:
            await _wait(news, POLL_SECONDS)


async def _write_digests(database: Database, settings: Settings, stopping: asyncio.Event) -> None:
    async def write() -> int:
        async with database.transaction() as connection:
            return await write_digests(connection, at=datetime.now(settings.timezone))

    while not stopping.is_set():
        await _guarded(write)
        await _wait(stopping, DIGEST_SECONDS)


async def _guarded(work: Callable[[], Awaitable[int]]) -> int:
    """What goes wrong ends this round, and not all sending until the next start."""
    try:
        return await work()
    except ExpensesError as error:
        logger.warning("Sending messages is tried again later: %s", error.message)
    except Exception:
        logger.exception("Sending messages failed, and is tried again later")
    return 0


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _facts(message: ClaimedMessage, **more: object) -> dict[str, dict[str, object]]:
    fields: dict[str, object] = {
        "message": str(message.key),
        "channel": message.channel.value,
        "action": message.action,
        "ticket": message.ticket_id,
        "on_user": message.user_id,
    }
    return {"fields": fields | more}
