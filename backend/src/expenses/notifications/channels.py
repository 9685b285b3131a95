"""What brings messages where they go: to the mail server, and to the company's webhook."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import NamedTuple

import aiosmtplib
import httpx

from expenses import VERSION
from expenses.notifications import webhook
from expenses.notifications.mail_server import mail_server
from expenses.notifications.mails import compose
from expenses.notifications.outbox import ClaimedMessage
from expenses.settings import Settings
from expenses.users.queries import UserView

# For one message, with all that it takes.
SEND_SECONDS = 15


class Parcel(NamedTuple):
    """A message, whom it goes to or is about, and who did what it tells of."""

    message: ClaimedMessage
    user: UserView
    actor: UserView | None


class NotDelivered(Exception):
    """`reason` may be logged; `answer` is what the other side said, which may name a person.

    `is_final` where trying again cannot help.
    """

    def __init__(self, reason: str, answer: str = "", *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer
        self.is_final = is_final


Carry = Callable[[Parcel], Awaitable[None]]
"""Returns once the other side has taken it over. Raises `NotDelivered`."""

Carrier = Callable[[Settings], AbstractAsyncContextManager[Carry]]


@asynccontextmanager
async def mail_carrier(settings: Settings) -> AsyncIterator[Carry]:
    """All its mails go through one connection, which the first of them opens."""
    smtp = _smtp(settings)

    async def carry(parcel: Parcel) -> None:
        mail = compose(parcel.message, recipient=parcel.user, actor=parcel.actor, settings=settings)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                if not smtp.is_connected:
                    await smtp.connect()
                await smtp.send_message(
                    mail,
                    sender=mail["From"].addresses[0].addr_spec,
                    # Not what some header could be read as.
                    recipients=[parcel.user.email],
                )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            # Nobody knows what the server would take for the next mail's beginning.
            smtp.close()
            raise _not_delivered(error) from error

    try:
        yield carry
    finally:
        with suppress(aiosmtplib.SMTPException, OSError):
            if smtp.is_connected:
                await smtp.quit(timeout=2)
        smtp.close()


@asynccontextmanager
async def webhook_carrier(settings: Settings) -> AsyncIterator[Carry]:
    address, secret = settings.webhook_url, settings.webhook_secret
    assert address is not None
    assert secret is not None
    async with httpx.AsyncClient(
        timeout=SEND_SECONDS,
        follow_redirects=False,
        headers={"User-Agent": f"contoso-expenses/{VERSION}", "Content-Type": "application/json"},
    ) as client:

        async def carry(parcel: Parcel) -> None:
            body = webhook.body_of(parcel.message, user=parcel.user, actor=parcel.actor)
            headers = webhook.headers_of(parcel.message, body, secret, at=int(time.time()))
            try:
                async with (
                    asyncio.timeout(SEND_SECONDS),
                    # What it answers is not read: its status says all.
                    client.stream("POST", str(address), content=body, headers=headers) as answer,
                ):
                    status = answer.status_code
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                raise NotDelivered(type(error).__name__, str(error)) from error
            if not 200 <= status < 300:
                raise NotDelivered(f"HTTP {status}")

        yield carry


def _smtp(settings: Settings) -> aiosmtplib.SMTP:
    assert settings.smtp_url is not None
    server = mail_server(settings.smtp_url)
    return aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.username,
        password=server.password,
        use_tls=server.encryption == "tls",
        start_tls=server.encryption == "starttls",
        tls_context=None if server.encryption == "none" else ssl.create_default_context(),
        timeout=SEND_SECONDS,
        # Otherwise the name of this machine is looked up, which can take long.
        local_hostname=settings.public_url.host,
    )


def _not_delivered(error: Exception) -> NotDelivered:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        refused = error.recipients[0]
        return NotDelivered(
            f"SMTP {refused.code}, recipient", refused.message, is_final=refused.code >= 500
        )
    if isinstance(error, aiosmtplib.SMTPDataError):
        return NotDelivered(f"SMTP {error.code}, data", error.message, is_final=error.code >= 500)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return NotDelivered(f"SMTP {error.code}", error.message)
    return NotDelivered(type(error).__name__, str(error))
