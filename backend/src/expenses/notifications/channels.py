"""The channels that messages leave by: the mail server and the company's webhook."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import NamedTuple

import aiosmtplib

from expenses.notifications import webhook
from expenses.notifications.mail_server import smtp_client
from expenses.notifications.mails import compose
from expenses.notifications.outbox import ClaimedMessage
from expenses.settings import Settings
from expenses.users.queries import UserView
from expenses.version import VERSION

# For one message, connecting included.
SEND_SECONDS = 15


class Delivery(NamedTuple):
    """A message with its recipient or subject, if they are a user, and who did what it reports."""

    message: ClaimedMessage
    user: UserView | None
    actor: UserView | None

    @property
    def address(self) -> str:
        return self.user.email if self.user else str(self.message.facts["to"])


class DeliveryFailed(Exception):
    """A message was not accepted.

    `reason` may be logged; `answer` is the other side's text, which may hold personal data.
    `is_final` means that trying again cannot help.
    """

    def __init__(self, reason: str, answer: str = "", *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer
        self.is_final = is_final


Send = Callable[[Delivery], Awaitable[None]]
"""Returns once the other side has accepted the message. Raises `DeliveryFailed`."""

OpenChannel = Callable[[Settings], AbstractAsyncContextManager[Send]]


@asynccontextmanager
async def mail_channel(settings: Settings) -> AsyncIterator[Send]:
    """Send all mails of a batch over one connection, opened for the first."""
    smtp = smtp_client(settings, timeout=SEND_SECONDS)

    async def send(delivery: Delivery) -> None:
        mail = compose(
            delivery.message, recipient=delivery.user, actor=delivery.actor, settings=settings
        )
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if not smtp.is_connected:
                    await smtp.connect()
                await smtp.send_message(
                    mail,
                    sender=mail["From"].addresses[0].addr_spec,
                    # Not parsed from a header.
                    recipients=[delivery.address],
                )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # The server may be in the middle of this mail: the next one needs a new connection.
            smtp.close()
            raise _failure(error) from error

    try:
        yield send
    finally:
        with suppress(aiosmtplib.SMTPException, OSError):
            if smtp.is_connected:
                await smtp.quit(timeout=2)
        smtp.close()


@asynccontextmanager
async def webhook_channel(settings: Settings) -> AsyncIterator[Send]:
    address, secret = settings.webhook_url, settings.webhook_secret
    assert address is not None
    assert secret is not None
    # Imported where there is a webhook.
    import httpx2

    async with httpx2.AsyncClient(
        timeout=SEND_SECONDS,
        follow_redirects=False,
        headers={"User-Agent": f"contoso-expenses/{VERSION}", "Content-Type": "application/json"},
    ) as client:

        async def send(delivery: Delivery) -> None:
            assert delivery.user is not None
            body = webhook.body_of(delivery.message, user=delivery.user, actor=delivery.actor)
            headers = webhook.headers_of(delivery.message, body, secret, at=int(time.time()))
            try:
                async with (
                    asyncio.timeout(SEND_SECONDS),
                    # Only the status matters; the body is not read.
                    client.stream("POST", str(address), content=body, headers=headers) as answer,
                ):
                    status = answer.status_code
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
                raise DeliveryFailed(type(error).__name__, str(error)) from error
            if not 200 <= status < 300:
                raise DeliveryFailed(f"HTTP {status}")

        yield send


def _failure(error: Exception) -> DeliveryFailed:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        refused = error.recipients[0]
        return DeliveryFailed(
            f"SMTP {refused.code}, recipient", refused.message, is_final=refused.code >= 500
        )
    if isinstance(error, aiosmtplib.SMTPDataError):
        return DeliveryFailed(f"SMTP {error.code}, data", error.message, is_final=error.code >= 500)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return DeliveryFailed(f"SMTP {error.code}", error.message)
    return DeliveryFailed(type(error).__name__, str(error))
