"""This site and its passkeys, as WebAuthn sees them."""

from typing import NamedTuple

from expenses.settings import Settings


class RelyingParty(NamedTuple):
    """This site, as passkeys know it: `id` is the host that they are bound to."""

    id: str
    origin: str


class NewCredential(NamedTuple):
    """What a browser says of a passkey that it has just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


class StoredCredential(NamedTuple):
    """A passkey as it was stored when it was added, or used last."""

    id: int
    credential_id: bytes
    public_key: bytes
    sign_count: int


def relying_party(settings: Settings) -> RelyingParty:
    site = settings.public_url
    assert site.host is not None
    return RelyingParty(site.host, str(site).rstrip("/"))
