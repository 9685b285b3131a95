"""Where messages go: the mail server, the sender and the webhook, as the settings name them."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Annotated, Literal
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

# In bytes; a shorter one could be guessed from a message and its signature.
SHORTEST_SECRET = 16

# How a connection is encrypted: from its first byte, by STARTTLS or not at all, never.
Encryption = Literal["tls", "starttls", "none"]
_PORTS: dict[Encryption, int] = {"tls": 465, "starttls": 587, "none": 25}


@dataclass(frozen=True)
class MailServer:
    host: str
    port: int
    username: str | None
    password: str | None
    encryption: Encryption


def mail_server(address: SecretStr) -> MailServer:
    """Raises `ValueError` that does not repeat the address, which may hold a password.

    `smtp://` says whether to use STARTTLS with `?starttls=true` or `false`. Where it says neither,
    a password is only ever sent after STARTTLS, and without a password nothing is encrypted.
    """
    try:
        parts = urlsplit(address.get_secret_value())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _unusable_mail_server() from None
    if parts.scheme not in {"smtp", "smtps"} or not host or parts.path not in {"", "/"}:
        raise _unusable_mail_server()
    encryption = _encryption(parts)
    return MailServer(
        host=host,
        port=port or _PORTS[encryption],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        encryption=encryption,
    )


def _encryption(parts: SplitResult) -> Encryption:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    wanted = options.pop("starttls", "true" if parts.password else "false")
    if options or wanted not in {"true", "false"}:
        raise ValueError("knows one option after the ?, which is starttls=true or starttls=false")
    if parts.scheme == "smtps":
        return "tls"
    return "starttls" if wanted == "true" else "none"


def _unusable_mail_server() -> ValueError:
    return ValueError(
        "is not the address of a mail server; "
        "it looks like smtp://user:password@host:587 or smtps://user:password@host:465"
    )


def _mail_server(address: SecretStr) -> SecretStr:
    mail_server(address)
    return address


def _sender(text: str) -> str:
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = text
    except (ValueError, IndexError):
        raise _unusable_sender() from None
    header = message["From"]
    if header.defects or len(header.addresses) != 1 or not header.addresses[0].domain:
        raise _unusable_sender()
    return text


def _unusable_sender() -> ValueError:
    return ValueError("is not one address; it looks like Expenses <expenses@yourcompany.example>")


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = None
    if not usable or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("is not an address that begins with http:// or https://")
    return text


def _site(text: str) -> str:
    parts = urlsplit(_web_address(text))
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("is the site's address alone, such as https://expenses.company.example")
    return f"{parts.scheme}://{parts.netloc}"


def _secret_of_webhook(secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value().encode()) < SHORTEST_SECRET:
        raise ValueError(f"is too short; it takes {SHORTEST_SECRET} characters or more")
    if secret is None and info.data.get("webhook_url"):
        raise ValueError(
            "is not set, and WEBHOOK_URL is; what is posted there is signed with it: "
            "for example what `openssl rand -base64 48` prints"
        )
    return secret


MailServerAddress = Annotated[SecretStr, AfterValidator(_mail_server)]
Sender = Annotated[str, AfterValidator(_sender)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Site = Annotated[str, AfterValidator(_site)]
"""Without a slash at its end."""

# Stands behind `webhook_url`, without which it is not needed.
WebhookSecret = Annotated[SecretStr | None, AfterValidator(_secret_of_webhook)]
