"""The issuer of single sign-on (OpenID Connect): sending people there, and knowing who is back."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from unicodedata import is_normalized

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth
from joserfc.errors import JoseError
from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from expenses.errors import EmailNotVerified, IssuerUnavailable, SignInFailed
from expenses.settings import Settings
from expenses.users.models import Role
from expenses.users.schemas import Email, Username
from expenses.users.single_sign_on import Identity, SignIn

SECONDS = 5
# Those that take the issuer's public keys. Authlib would take all that the issuer lists, such as
# "none".
SIGNATURES = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]

# What is raised by a state or token that is not what it should be, or not there.
NOT_PROVEN = (
    *(AuthlibBaseError, JoseError),
    *(ArithmeticError, LookupError, RuntimeError, TypeError, ValueError),
)

logger = logging.getLogger(__name__)
_USERNAME: TypeAdapter[str] = TypeAdapter(Username)


def _as_verified(email: object) -> object:
    """Refuse what would be written plainer: that may be another mailbox."""
    if isinstance(email, str) and not is_normalized("NFKC", email):
        raise ValueError("not in its plain form")
    return email


class Claims(BaseModel):
    """What an identity is made of. The identifier is stored, which takes no NUL."""

    sub: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00]+$")
    email: Annotated[Email, BeforeValidator(_as_verified)]


class Issuer:
    """Its addresses and keys are fetched at the first log-in, and kept."""

    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_client_secret is not None
        self._settings = settings
        self._address = str(settings.oidc_issuer).rstrip("/")
        self._client: Any = OAuth().register(
            "sso",
            server_metadata_url=f"{self._address}/.well-known/openid-configuration",
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "timeout": SECONDS,
                # Made once: for each request it would read all certificates anew.
                "verify": httpx2.create_ssl_context(),
            },
        )

    async def send_there(self, request: Request, *, callback: str, again: bool = False) -> Response:
        """They come back to `callback`. With `again`, the issuer asks them even if it knows them.

        Raises `IssuerUnavailable`.
        """
        await self._metadata()
        asked = {"prompt": "login", "max_age": "0"} if again else {}
        response: Response = await self._client.authorize_redirect(request, callback, **asked)
        return response

    async def who_is_back(self, request: Request) -> SignIn:
        """Raises `SignInFailed`, `EmailNotVerified`, `IssuerUnavailable`."""
        metadata = await self._metadata()
        with self._refusing():
            token = await self._client.authorize_access_token(
                request,
                claims_options={
                    "iss": {"essential": True, "value": metadata["issuer"]},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                },
            )
            claims = token["userinfo"]
            if "email" not in claims:
                claims = await self._more(claims, token)
            auth_time = claims.get("auth_time")
            at = None if auth_time is None else datetime.fromtimestamp(auth_time, UTC)
        return SignIn(self._identity(claims), at)

    async def _metadata(self) -> dict[str, Any]:
        try:
            metadata: dict[str, Any] = await self._client.load_server_metadata()
            issuer = str(metadata["issuer"]).rstrip("/")
        except (httpx2.HTTPError, httpx2.InvalidURL, LookupError, TypeError, ValueError) as error:
            raise self._unavailable(error) from None
        if issuer != self._address:
            logger.error("OIDC_ISSUER is %s, but it calls itself %s.", self._address, issuer)
            raise IssuerUnavailable(name=self._settings.oidc_name)
        metadata["id_token_signing_alg_values_supported"] = SIGNATURES
        return metadata

    async def _more(self, claims: dict[str, Any], token: dict[str, Any]) -> dict[str, Any]:
        """Some issuers say the e-mail only when they are asked for it."""
        more: dict[str, Any] = await self._client.userinfo(token=token)
        if more["sub"] != claims["sub"]:
            raise ValueError("userinfo is about somebody else")
        return more | claims

    def _identity(self, claims: dict[str, Any]) -> Identity:
        # Entra says instead that the company owns the domain.
        is_verified = claims.get("email_verified", claims.get("xms_edov"))
        if is_verified not in (True, "true", "1"):
            raise EmailNotVerified(name=self._settings.oidc_name)
        try:
            known = Claims.model_validate(claims)
        except ValidationError:
            raise EmailNotVerified(name=self._settings.oidc_name) from None
        return Identity(
            self._address, known.sub, known.email, _username(claims), self._role(claims)
        )

    def _role(self, claims: dict[str, Any]) -> Role | None:
        group = self._settings.oidc_employer_group
        if group is None:
            return None
        groups = claims.get("groups")
        is_member = isinstance(groups, list) and group in groups
        return Role.EMPLOYER if is_member else Role.EMPLOYEE

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._unavailable(error) from None
        except NOT_PROVEN as error:
            # Not its message, which may repeat what the browser has sent.
            cause = getattr(error, "error", None) or type(error).__name__
            logger.warning("Single sign-on refused: %s", str(cause)[:80])
            raise SignInFailed(name=self._settings.oidc_name) from None

    def _unavailable(self, error: Exception) -> IssuerUnavailable:
        logger.error("OIDC_ISSUER cannot be used: %s", type(error).__name__)
        return IssuerUnavailable(name=self._settings.oidc_name)


def _username(claims: dict[str, Any]) -> str | None:
    try:
        return _USERNAME.validate_python(claims.get("name"))
    except ValidationError:
        return None
