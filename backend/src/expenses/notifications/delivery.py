"""Delivery of the outbox's messages while the server runs."""

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
    Delivery,
    DeliveryFailed,
    OpenChannel,
    Send,
    mail_channel,
    webhook_channel,
)
from expenses.notifications.digest import write_digests
from expenses.notifications.outbox import LEASE, Channel, ClaimedMessage
from expenses.notifications.security_mails import WARNINGS
from expenses.settings import Settings
from expenses.users.queries import users_by_id

# This process's own messages are sent at once. Retries, and what a stopped process left behind, are
# looked for this often.
POLL_SECONDS = 5
DIGEST_SECONDS = 60
# Claimed together; those that cannot be sent before the lease ends are released.
BATCH_SIZE = 20

# About a day in all, half of it between the last three attempts.
MAX_ATTEMPTS = 14
MIN_DELAY = timedelta(seconds=15)
MAX_DELAY = timedelta(hours=6)

# How long a delivery under way may take once the server stops.
SHUTDOWN_SECONDS = 4

OPEN_CHANNEL: dict[str, OpenChannel] = {
    Channel.MAIL: mail_channel,
    Channel.WEBHOOK: webhook_channel,
}

logger = logging.getLogger(__name__)

MESSAGES = Counter(
    "expenses_messages",
    "Attempts to deliver mails and webhook posts, by result.",
    ["channel", "result"],
)


def channels_of(settings: Settings) -> list[Channel]:
    """List the channels that are configured."""
    targets = {Channel.MAIL: settings.smtp_url, Channel.WEBHOOK: settings.webhook_url}
    return [channel for channel, target in targets.items() if target is not None]


@asynccontextmanager
async def running(database: Database, settings: Settings) -> AsyncIterator[None]:
    """Run one task per channel, so that a mail server that hangs does not hold up the webhook."""
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
            # Its message stays claimed until its lease ends, and is sent then.
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def deliver_due(
    database: Database, channel: Channel, settings: Settings, stopping: asyncio.Event
) -> int:
    """Claim a batch of messages, send one after the other, and return how many were claimed."""
    loop = asyncio.get_running_loop()
    last_start = loop.time() + LEASE.total_seconds() - 2 * SEND_SECONDS
    async with database.transaction() as connection:
        messages = await outbox.claim(connection, channel, most=BATCH_SIZE)
    if not messages:
        return 0
    async with OPEN_CHANNEL[channel](settings) as send:
        for message in messages:
            if stopping.is_set() or loop.time() > last_start:
                async with database.transaction() as connection:
                    await outbox.release(connection, message)
            else:
                await _deliver_one(database, message, send)
    return len(messages)


async def _deliver_one(database: Database, message: ClaimedMessage, send: Send) -> None:
    """Send a message; no database connection is held while the other side takes its time."""
    delivery = await _addressed(database, message)
    try:
        if delivery is not None:
            await send(delivery)
    except DeliveryFailed as failure:
        await _try_later(database, message, failure)
        return
    except Exception:
        logger.exception("A message could not be composed", extra=_facts(message))
        await _try_later(database, message, DeliveryFailed("unexpected"))
        return
    async with database.transaction() as connection:
        await outbox.remove(connection, message)
    logger.info("Not sent" if delivery is None else "Sent", extra=_facts(message))
    _count(message, "called-off" if delivery is None else "delivered")


async def _addressed(database: Database, message: ClaimedMessage) -> Delivery | None:
    """Look up the people just before sending; None where the recipient gets no message any more."""
    ids = {message.user_id, message.actor_id} - {None}
    async with database.reading() as connection:
        people = await users_by_id(connection, [number for number in ids if number is not None])
    actor = people.get(message.actor_id or 0)
    if message.user_id is None:
        return Delivery(message, None, actor)
    user = people.get(message.user_id)
    if user is None:
        return None
    # What is about a change of e-mail goes to the other one.
    user = user._replace(email=message.facts.get("to", user.email))
    is_wanted = user.gets_mails or message.action in WARNINGS
    if message.channel is Channel.MAIL and (user.suspended_at or not is_wanted):
        return None
    return Delivery(message, user, actor)


async def _try_later(database: Database, message: ClaimedMessage, failure: DeliveryFailed) -> None:
    problem = ": ".join(filter(None, (failure.reason, failure.answer)))
    attempt = message.attempts + 1
    facts = _facts(message, attempt=attempt, reason=failure.reason)
    async with database.transaction() as connection:
        if failure.is_final or attempt >= MAX_ATTEMPTS:
            await outbox.give_up(connection, message, problem)
            logger.error("A message was given up", extra=facts)
            _count(message, "given-up")
        else:
            await outbox.postpone(connection, message, delay_after(attempt), problem)
            logger.warning("A message could not be delivered and will be tried again", extra=facts)
            _count(message, "postponed")


def _count(message: ClaimedMessage, result: str) -> None:
    MESSAGES.labels(message.channel.value, result).inc()


def delay_after(attempt: int) -> timedelta:
    """Double the delay each time, with some jitter so that retries do not come all at once."""
    delay: timedelta = min(MIN_DELAY * 2 ** (attempt - 1), MAX_DELAY)
    return delay * random.uniform(0.8, 1.2)  # noqa: S311, not a secret


async def _deliver(
    database: Database, channel: Channel, settings: Settings, stopping: asyncio.Event
) -> None:
    news = database.outgoing[channel]
    while not stopping.is_set():
        news.clear()
        claimed = await _logged(lambda: deliver_due(database, channel, settings, stopping))
        if not claimed:
            await _wait(news, POLL_SECONDS)


async def _write_digests(database: Database, settings: Settings, stopping: asyncio.Event) -> None:
    async def write() -> int:
        async with database.transaction() as connection:
            return await write_digests(connection, at=datetime.now(settings.timezone))

    while not stopping.is_set():
        await _logged(write)
        await _wait(stopping, DIGEST_SECONDS)


async def _logged(work: Callable[[], Awaitable[int]]) -> int:
    """Log what goes wrong: an error ends this round, not the task."""
    try:
        return await work()
    except ExpensesError as error:
        logger.warning("Messages will be sent later: %s", error.message)
    except Exception:
        logger.exception("Sending messages failed and will be tried again")
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
