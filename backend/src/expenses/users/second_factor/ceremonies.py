"""What a browser is asked to do with passkeys, and what its answers are worth, by py_webauthn.

Imported where a passkey is made or used: the library and its readers of certificates take 5 MB.
"""

from collections.abc import Sequence

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from expenses.errors import PasskeyRefused
from expenses.users.second_factor.relying_party import (
    NewCredential,
    RelyingParty,
    StoredCredential,
)

PRODUCT = "Contoso Expenses"
MAX_CREDENTIAL_ID = 1023


def creation_options(
    site: RelyingParty,
    challenge: str,
    *,
    user_id: int,
    email: str,
    username: str,
    known: Sequence[bytes],
) -> str:
    """Ask for a new passkey, on a device that has none of the `known` ones."""
    options = generate_registration_options(
        rp_id=site.id,
        rp_name=PRODUCT,
        user_id=_handle(user_id),
        user_name=email,
        user_display_name=username,
        challenge=challenge.encode(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(known),
    )
    return options_to_json(options)


def request_options(site: RelyingParty, challenge: str, known: Sequence[bytes] = ()) -> str:
    """Ask for one of the `known` passkeys; without any, for one that says whose it is."""
    verification = UserVerificationRequirement
    options = generate_authentication_options(
        rp_id=site.id,
        challenge=challenge.encode(),
        allow_credentials=_descriptors(known),
        user_verification=verification.PREFERRED if known else verification.REQUIRED,
    )
    return options_to_json(options)


def verify_new(site: RelyingParty, answer: str, challenge: str) -> NewCredential:
    """Raises `PasskeyRefused`."""
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=challenge.encode(),
            expected_rp_id=site.id,
            expected_origin=site.origin,
        )
    except (WebAuthnException, ValueError, TypeError, LookupError, RecursionError):
        raise PasskeyRefused() from None
    if len(verified.credential_id) > MAX_CREDENTIAL_ID:
        raise PasskeyRefused()
    return NewCredential(
        verified.credential_id, verified.credential_public_key, verified.sign_count
    )


def credential_id_of(answer: str) -> bytes:
    """Read which passkey has answered. Raises `PasskeyRefused`."""
    try:
        return parse_authentication_credential_json(answer).raw_id
    except (WebAuthnException, ValueError, TypeError, RecursionError):
        raise PasskeyRefused() from None


def verify(
    site: RelyingParty,
    answer: str,
    challenge: str,
    stored: StoredCredential,
    *,
    verifies_user: bool,
) -> int:
    """Return the new sign count. Raises `PasskeyRefused`.

    With `verifies_user`, the device has to have asked for a PIN, a finger or a face.
    """
    try:
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge.encode(),
            expected_rp_id=site.id,
            expected_origin=site.origin,
            credential_public_key=stored.public_key,
            credential_current_sign_count=stored.sign_count,
            require_user_verification=verifies_user,
        )
    except (WebAuthnException, ValueError, TypeError, LookupError, RecursionError):
        raise PasskeyRefused() from None
    return verified.new_sign_count


def _handle(user_id: int) -> bytes:
    return str(user_id).encode()


def _descriptors(known: Sequence[bytes]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=credential_id) for credential_id in known]
