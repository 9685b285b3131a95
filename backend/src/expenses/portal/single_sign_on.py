"""Logging in by single sign-on: to the issuer, and back from it."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from expenses.database.engine import Database
from expenses.errors import (
    EmailNotVerified,
    EmailTaken,
    IssuerUnavailable,
    LinkedToAnother,
    NotFound,
    NotRegistered,
    RegistrationClosed,
    SignInFailed,
    Suspended,
    TooManyAttempts,
    UsernameTaken,
)
from expenses.portal.login import back_to_login, to, welcome
from expenses.settings import Settings
from expenses.users import single_sign_on
from expenses.users.registration import begin_with_identity, register
from expenses.users.sessions import NewSession, start_session
from expenses.users.single_sign_on import Identity, SignIn
from expenses.users.throttling import (
    Caller,
    count_attempt,
    registration_limits,
    sign_in_limits,
    uncount_attempt,
)
from expenses.web.dependencies import CallerDependency, DatabaseDependency, SettingsDependency

if TYPE_CHECKING:
    from expenses.portal.issuer import Issuer

CALLBACK = "/login/sso/callback"

router = APIRouter()

REFUSALS = (
    EmailNotVerified,
    EmailTaken,
    IssuerUnavailable,
    LinkedToAnother,
    RegistrationClosed,
    SignInFailed,
    Suspended,
    TooManyAttempts,
)


def issuer_in(settings: Settings) -> "Issuer | None":
    """Return the issuer that the settings name, if any."""
    if settings.oidc_issuer is None:
        return None
    # Imported where there is one.
    from expenses.portal.issuer import Issuer

    return Issuer(settings)


@router.get("/login/sso")
async def go_to_issuer(request: Request, settings: SettingsDependency) -> Response:
    issuer = _issuer_of(request)
    request.session["next"] = request.query_params.get("next", "")
    callback = f"{str(settings.public_url).rstrip('/')}{CALLBACK}"
    is_again = "again" in request.query_params
    try:
        return await issuer.send_there(request, callback=callback, again=is_again)
    except IssuerUnavailable as error:
        return back_to_login(request, error)


@router.get(CALLBACK)
async def come_back(
    request: Request,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    """Writes although it is a GET, since issuers send browsers back by one; what the session holds
    shows that they were sent there from here.
    """
    issuer = _issuer_of(request)
    limits = sign_in_limits(caller, settings)
    try:
        await count_attempt(database, limits)
        sign_in = await issuer.who_is_back(request)
        async with database.transaction() as connection:
            await uncount_attempt(connection, limits)
        session = await _enter(database, sign_in, caller, settings)
        if session is None:
            return await _ask_for_the_rest(request, database, sign_in.identity, settings)
    except REFUSALS as error:
        return back_to_login(request, error)
    return welcome(request, session, request.session.get("next"))


async def _enter(
    database: Database, sign_in: SignIn, caller: Caller, settings: Settings
) -> NewSession | None:
    """Log somebody in or register them; None where their name or role has to be asked for."""
    try:
        return await single_sign_on.log_in(database, sign_in, caller=caller, settings=settings)
    except NotRegistered:
        await count_attempt(database, registration_limits(caller, settings))
    identity = sign_in.identity
    if identity.username is None or identity.role is None:
        return None
    try:
        async with database.transaction() as connection:
            user = await register(
                connection,
                email=identity.email,
                password_hash=None,
                username=identity.username,
                role=identity.role,
                employer_code=None,
                settings=settings,
                identity=identity,
            )
            return await start_session(
                connection,
                user.id,
                caller=caller,
                settings=settings,
                signed_in_at=sign_in.at,
                is_registering=True,
            )
    except UsernameTaken:
        return None


async def _ask_for_the_rest(
    request: Request, database: Database, identity: Identity, settings: Settings
) -> Response:
    async with database.transaction() as connection:
        token = await begin_with_identity(connection, identity, settings)
    request.session.pop("suggested", None)
    request.session["registration"] = token
    return to("/register")


def _issuer_of(request: Request) -> "Issuer":
    issuer: Issuer | None = request.app.state.issuer
    if issuer is None:
        raise NotFound()
    return issuer
