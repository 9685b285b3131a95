"""The mail server that SMTP_URL names."""

from typing import Literal, NamedTuple
from urllib.parse import unquote

from pydantic import AnyUrl, Secret

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


def _encryption(url: AnyUrl) -> Encryption:
    """Require encryption where there is a password, unless the URL says otherwise."""
    if url.scheme == "smtps":
        return "tls"
    wants_starttls = url.query == "starttls=true" if url.query else bool(url.password)
    return "starttls" if wants_starttls else "none"
