"""The links in mails. The one that turns mails off is signed and needs no log-in."""

from urllib.parse import urlencode

from itsdangerous import BadData, URLSafeSerializer

from expenses.errors import NotFound, ResetExpired
from expenses.i18n.text import N_
from expenses.settings import Settings

RESET_PASSWORD = "reset password"  # noqa: S105, what the link is for
CHANGE_EMAIL = "change e-mail"


def ticket_link(ticket_id: int, settings: Settings) -> str:
    return f"{settings.public_url}tickets/{ticket_id}"


def queue_link(settings: Settings) -> str:
    return f"{settings.public_url}admin/ticket/list"


def paid_link(settings: Settings) -> str:
    return f"{settings.public_url}tickets?status=paid"


def account_link(settings: Settings) -> str:
    return f"{settings.public_url}account"


def reset_link(secret: str, settings: Settings) -> str:
    """Return a link that sets a new password; only this server can make one of the secret."""
    token = _serializer(settings, RESET_PASSWORD).dumps(secret)
    return f"{settings.public_url}reset?{urlencode({'token': token})}"


def email_link(secret: str, settings: Settings) -> str:
    """Return a link that confirms a new e-mail; only this server can make one of the secret."""
    token = _serializer(settings, CHANGE_EMAIL).dumps(secret)
    return f"{settings.public_url}account/email/confirm?{urlencode({'token': token})}"


def confirmation_link(secret: str, settings: Settings) -> str:
    return f"{settings.public_url}confirm?{urlencode({'token': secret})}"


def invitation_link(secret: str, settings: Settings) -> str:
    return f"{settings.public_url}invited?{urlencode({'token': secret})}"


def secret_of_token(token: str, settings: Settings, purpose: str = RESET_PASSWORD) -> str:
    """Raises `ResetExpired` for a token that was not signed here, for this purpose."""
    try:
        secret = _serializer(settings, purpose).loads(token)
    except BadData:
        raise ResetExpired() from None
    assert isinstance(secret, str)
    return secret


def switch_off_link(user_id: int, settings: Settings) -> str:
    """Return a link that never expires, since mails are kept for years."""
    token = _serializer(settings).dumps(user_id)
    return f"{settings.public_url}mails/off?{urlencode({'token': token})}"


def user_of_token(token: str, settings: Settings) -> int:
    """Raises `NotFound` for a token that was not signed here."""
    try:
        user_id = _serializer(settings).loads(token)
    except BadData:
        raise NotFound(
            N_("This link is incomplete. Turn e-mails off on your account page.")
        ) from None
    assert isinstance(user_id, int)
    return user_id


def _serializer(settings: Settings, salt: str = "switch mails off") -> URLSafeSerializer:
    assert settings.secret_key is not None
    return URLSafeSerializer(settings.secret_key.get_secret_value(), salt=salt)
