"""Registering, logging in and out, and who one is."""

from fastapi import APIRouter, Response

from expenses.api.schemas import AccountAnswer, Credentials, Registration, SessionAnswer
from expenses.errors import (
    EmailTaken,
    InvalidInput,
    NotRegistered,
    PasswordsOff,
    RegistrationClosed,
    SecondFactorRequired,
    Suspended,
    TooManyAttempts,
    UsernameTaken,
    WrongPassword,
)
from expenses.users import sessions
from expenses.users.passwords import ensure_acceptable, hash_password
from expenses.users.policy import (
    ensure_may_register,
    ensure_needs_no_confirmation,
    ensure_takes_passwords,
)
from expenses.users.registration import register
from expenses.users.second_factor.policy import must_have_second_factor
from expenses.users.throttling import count_attempt, registration_limits
from expenses.web.dependencies import (
    CallerDependency,
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
)
from expenses.web.openapi import (
    open_write_problems,
    read_problems,
    session_write_problems,
    with_links,
)
from expenses.web.scopes import ReaderDependency

router = APIRouter(prefix="/api", tags=["users"])

# Of a new user who is an employee.
OPERATIONS = ("get_employee", "suspend_employee", "reactivate_employee")


@router.post(
    "/users",
    status_code=201,
    responses=with_links(
        open_write_problems(
            SecondFactorRequired,
            RegistrationClosed,
            EmailTaken,
            UsernameTaken,
            PasswordsOff,
            InvalidInput,
            TooManyAttempts,
        ),
        201,
        *OPERATIONS,
        employee_id="user/id",
    ),
)
async def create_user(
    body: Registration,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> SessionAnswer:
    """Register, and be logged in. Where a passkey is asked for, only a browser can register."""
    ensure_takes_passwords(settings)
    if must_have_second_factor(body.role, settings):
        raise SecondFactorRequired()
    ensure_may_register(body.email, settings=settings)
    ensure_needs_no_confirmation(settings)
    ensure_acceptable(body.password, email=body.email)
    await count_attempt(database, registration_limits(caller, settings))
    password_hash = await hash_password(body.password)
    async with database.transaction() as connection:
        user = await register(
            connection,
            email=body.email,
            password_hash=password_hash,
            username=body.username,
            role=body.role,
            employer_code=body.employer_code,
            settings=settings,
        )
        session = await sessions.start_session(
            connection, user.id, caller=caller, settings=settings, is_registering=True
        )
    return SessionAnswer.of(session)


@router.post(
    "/session",
    responses=open_write_problems(
        WrongPassword,
        Suspended,
        PasswordsOff,
        SecondFactorRequired,
        NotRegistered,
        InvalidInput,
        TooManyAttempts,
    ),
)
async def log_in(
    body: Credentials,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> SessionAnswer:
    """Log in with e-mail and password; not where a passkey is asked for."""
    session = await sessions.log_in(
        database, email=body.email, password=body.password, caller=caller, settings=settings
    )
    return SessionAnswer.of(session)


@router.delete("/session", status_code=204, responses=session_write_problems())
async def log_out(user: CurrentUserDependency, connection: ConnectionDependency) -> Response:
    """Log out: the token that was used is dead from now on."""
    await sessions.log_out(connection, user)
    return Response(status_code=204)


@router.get("/me", responses=read_problems())
async def me(user: ReaderDependency) -> AccountAnswer:
    """The user whose token it is."""
    return AccountAnswer.of(user)
