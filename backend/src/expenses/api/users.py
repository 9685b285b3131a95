"""Registering, logging in and out, and who one is."""

from fastapi import APIRouter, Response

from expenses.api.schemas import AccountAnswer, Credentials, Registration, SessionAnswer
from expenses.errors import (
    EmailTaken,
    InvalidInput,
    NotLoggedIn,
    NotRegistered,
    Suspended,
    TooManyAttempts,
    WrongPassword,
)
from expenses.users import sessions
from expenses.users.passwords import ensure_acceptable, hash_password
from expenses.users.registration import register
from expenses.users.throttling import count_attempt, limits_of_registration
from expenses.web.dependencies import (
    CallerDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SessionDependency,
    SettingsDependency,
)
from expenses.web.problems import responses

router = APIRouter(prefix="/api", tags=["users"])


@router.post(
    "/users", status_code=201, responses=responses(EmailTaken, InvalidInput, TooManyAttempts)
)
async def create_user(
    body: Registration,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> SessionAnswer:
    """Register, and be logged in."""
    ensure_acceptable(body.password, email=body.email)
    await count_attempt(database, limits_of_registration(caller, settings))
    password_hash = await hash_password(body.password)
    async with database.transaction() as session:
        user = await register(
            session,
            email=body.email,
            password_hash=password_hash,
            username=body.username,
            role=body.role,
            employer_code=body.employer_code,
            settings=settings,
        )
        logged_in = await sessions.start_session(session, user.id, caller=caller, settings=settings)
    return SessionAnswer.of(logged_in)


@router.post(
    "/session",
    responses=responses(WrongPassword, Suspended, NotRegistered, InvalidInput, TooManyAttempts),
)
async def log_in(
    body: Credentials,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> SessionAnswer:
    """Log in with e-mail and password."""
    logged_in = await sessions.log_in(
        database, email=body.email, password=body.password, caller=caller, settings=settings
    )
    return SessionAnswer.of(logged_in)


@router.delete("/session", status_code=204, responses=responses(NotLoggedIn))
async def log_out(user: CurrentUserDependency, session: SessionDependency) -> Response:
    """Log out: the token that was used is dead from now on."""
    await sessions.log_out(session, user)
    return Response(status_code=204)


@router.get("/me", responses=responses(NotLoggedIn))
async def me(user: CurrentUserDependency) -> AccountAnswer:
    """The user whose token it is."""
    return AccountAnswer.of(user)
