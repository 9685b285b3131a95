"""Checks of the mail server and the webhook. Nothing is sent or posted."""

import asyncio
from urllib.request import getproxies, proxy_bypass

import aiosmtplib
import httpx2
from pydantic import HttpUrl

from expenses.errors import connection_problem
from expenses.notifications.mail_server import mail_server, smtp_client
from expenses.observability.doctor.findings import Finding
from expenses.settings import Settings

# For each answer of the mail server; less than the whole check may take.
TIMEOUT = 5
_ENCRYPTED = {"tls": "with TLS", "starttls": "with STARTTLS", "none": "without encryption"}


async def check_mail_server(settings: Settings) -> list[Finding]:
    """Connect and log in, just as for sending an e-mail."""
    assert settings.smtp_url is not None
    server = mail_server(settings.smtp_url)
    smtp = smtp_client(settings, timeout=TIMEOUT)
    place = f"The mail server at {server.host}:{server.port}"
    try:
        await smtp.connect()
        await smtp.quit()
    except (aiosmtplib.SMTPException, OSError) as error:
        return [Finding("problem", f"{place} cannot be used: {_smtp_problem(error)}")]
    finally:
        smtp.close()
    login = ", and accepts user and password" if server.username is not None else ""
    return [
        Finding(
            "ok", f"{place} answers {_ENCRYPTED[server.encryption]}{login}. No e-mail was sent."
        )
    ]


async def check_webhook(address: HttpUrl) -> list[Finding]:
    """Connect to the receiver, and name only its host and port: the path may be a secret."""
    host, port = (address.host or "").strip("[]"), address.port
    place = f"The webhook's receiver at {host}:{port}"
    if address.scheme in getproxies() and not proxy_bypass(host):
        return [Finding("ok", f"{place} is behind this machine's proxy, and cannot be checked.")]
    context = httpx2.create_ssl_context() if address.scheme == "https" else None
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    except OSError as error:
        return [Finding("problem", f"{place} cannot be used: {connection_problem(error)}")]
    # Without TLS's closing handshake, which some servers delay.
    writer.transport.abort()
    trust = " and has a trusted certificate" if context is not None else ""
    return [Finding("ok", f"{place} is listening{trust}. Nothing was posted.")]


def _smtp_problem(error: Exception) -> str:
    """Explain it without the server's own text, which may repeat what it was sent."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return (
            f"it rejects this user and password (SMTP {error.code}). Correct them in SMTP_URL; "
            "in them, @ is written %40, : is %3A and / is %2F."
        )
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return (
            f"it refuses (SMTP {error.code}). Check that it lets this machine send e-mails, and "
            "that the port is right."
        )
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return (
            "it does not answer like a mail server. If it expects TLS at once, SMTP_URL begins "
            "with smtps://."
        )
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and not isinstance(cause, aiosmtplib.SMTPException):
        return connection_problem(cause)
    return f"{error} With TLS, SMTP_URL begins with smtps://, or ends in ?starttls=true."
