"""Encrypts payout details with a key that is derived from SECRET_KEY, and for their owner alone."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from expenses.settings import Settings

_INFO = b"expenses payout details"


class Unreadable(Exception):
    """Encrypted with another key, for another user, or changed since."""


class Cipher:
    """Encrypts with SECRET_KEY, and decrypts what SECRET_KEY_PREVIOUS encrypted, too."""

    def __init__(self, settings: Settings) -> None:
        assert settings.secret_key is not None
        self._current = _fernet(settings.secret_key)
        previous = settings.secret_key_previous
        earlier = [_fernet(previous)] if previous is not None else []
        self._all = MultiFernet([self._current, *earlier])

    def encrypt(self, user_id: int, values: Mapping[str, str | None]) -> bytes:
        return self._all.encrypt(json.dumps({"user_id": user_id, "values": values}).encode())

    def decrypt(self, user_id: int, encrypted: bytes) -> dict[str, Any]:
        """Raises `Unreadable`."""
        try:
            content = json.loads(self._all.decrypt(encrypted))
        except InvalidToken:
            raise Unreadable() from None
        # What was copied from one user's row to another's would send them the money.
        if content["user_id"] != user_id:
            raise Unreadable()
        values: dict[str, Any] = content["values"]
        return values

    def is_current(self, encrypted: bytes) -> bool:
        """Say whether SECRET_KEY alone decrypts it."""
        try:
            self._current.decrypt(encrypted)
        except InvalidToken:
            return False
        return True


def _fernet(key: SecretStr) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO)
    return Fernet(urlsafe_b64encode(derived.derive(key.get_secret_value().encode())))
