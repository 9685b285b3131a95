"""Registering, logging in and out, and who one is."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from expenses.api.shapes import Credentials, Registration, SessionAnswer, UserAnswer
from expenses.errors import (
    EmailTaken,
    InvalidInput,
    NotLoggedIn,
    NotRegistered,
    Suspended,
    WrongPassword,
)
from expenses.users import sessions
from expenses.users.passwords import ensure_acceptable, hash_password
from expenses.users.registration import register
from expenses.web.problems import responses
from expenses.web.requests import (
    CurrentUserDependency,
    DatabaseDependency,
    SessionDependency,
    SettingsDependency,
)

router = APIRouter(tags=["users"])

# Shown to the user beside the session that it opened.
UserAgent = Annotated[str | None, Header(include_in_schema=False)]


@router.post("/users", status_code=201, responses=responses(EmailTaken, InvalidInput))
async def create_user(
    body: Registration,
    session: SessionDependency,
    settings: SettingsDependency,
    user_agent: UserAgent = None,
) -> SessionAnswer:
    """Register, and be logged in."""
    ensure_acceptable(body.password, email=body.email)
    user = await register(
        session,
        email=body.email,
        password_hash=await hash_password(body.password),
        username=body.username,
        role=body.role,
        employer_code=body.employer_code,
        settings=settings,
    )
    return SessionAnswer.of(await sessions.start_session(session, user.id, client=user_agent))


@router.post("/session", responses=responses(WrongPassword, Suspended, NotRegistered, InvalidInput))
async def log_in(
    body: Credentials, database: DatabaseDependency, user_agent: UserAgent = None
) -> SessionAnswer:
    """Log in with e-mail and password."""
    logged_in = await sessions.log_in(
        database, email=body.email, password=body.password, client=user_agent
    )
    return SessionAnswer.of(logged_in)


@router.delete("/session", status_code=204, responses=responses(NotLoggedIn))
async def log_out(user: CurrentUserDependency, session: SessionDependency) -> Response:
    """Log out: the token that was used is dead from now on."""
    await sessions.log_out(session, user)
    return Response(status_code=204)


@router.get("/me", responses=responses(NotLoggedIn))
async def me(user: CurrentUserDependency) -> UserAnswer:
    """The user whose token it is."""
    return UserAnswer.of(user)
