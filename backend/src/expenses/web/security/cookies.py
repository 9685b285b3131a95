"""The cookies: the session's, and the one by which a browser is known again at log-in."""

import secrets

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from expenses.settings import Settings
from expenses.users.throttling import Device

SESSION = "expenses"
DEVICE = "expenses-device"
A_YEAR = 365 * 24 * 60 * 60


def cookie_name(name: str, settings: Settings) -> str:
    """Over https, browsers take a name with this prefix from this very host alone."""
    return f"__Host-{name}" if settings.cookie_secure else name


def device_of(request: Request, settings: Settings) -> Device | None:
    signed = request.cookies.get(cookie_name(DEVICE, settings))
    try:
        return Device(*_serializer(settings).loads(signed)) if signed else None
    except BadSignature:
        return None


def remember_device(request: Request, response: Response, user_id: int, settings: Settings) -> None:
    """Mark the browser, so that failed log-ins elsewhere do not lock its user out."""
    device = device_of(request, settings)
    if device is None or device.user_id != user_id:
        device = Device(user_id, secrets.token_urlsafe(16))
    response.set_cookie(
        cookie_name(DEVICE, settings),
        str(_serializer(settings).dumps(device)),
        max_age=A_YEAR,
        secure=settings.cookie_secure,
        httponly=True,
        samesite="lax",
    )


def _serializer(settings: Settings) -> URLSafeSerializer:
    assert settings.secret_key is not None
    return URLSafeSerializer(settings.secret_key.get_secret_value(), salt="device")
