"""The mail server that SMTP_URL names."""

import ssl
from typing import Literal, NamedTuple
from urllib.parse import unquote

import aiosmtplib
from pydantic import AnyUrl, Secret

from expenses.settings import Settings

# TLS from the first byte, TLS after STARTTLS, or no encryption.
Encryption = Literal["tls", "starttls", "none"]
_PORTS: dict[Encryption, int] = {"tls": 465, "starttls": 587, "none": 25}


class MailServer(NamedTuple):
    host: str
    port: int
    username: str | None
    password: str | None
    encryption: Encryption


def mail_server(smtp_url: Secret[AnyUrl]) -> MailServer:
    url = smtp_url.get_secret_value()
    encryption = _encryption(url)
    return MailServer(
        host=(url.host or "").strip("[]"),
        port=url.port or _PORTS[encryption],
        username=unquote(url.username) if url.username else None,
        password=unquote(url.password) if url.password else None,
        encryption=encryption,
    )


def smtp_client(settings: Settings, *, timeout: float) -> aiosmtplib.SMTP:
    """Make a client that encrypts and logs in as SMTP_URL says once it connects."""
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
        timeout=timeout,
        # Otherwise aiosmtplib looks up the host name, which can be slow.
        local_hostname=settings.public_url.host,
    )


def _encryption(url: AnyUrl) -> Encryption:
    """Require encryption where there is a password, unless the URL says otherwise."""
    if url.scheme == "smtps":
        return "tls"
    wants_starttls = url.query == "starttls=true" if url.query else bool(url.password)
    return "starttls" if wants_starttls else "none"
