"""One page and one button: log in, or register an unknown e-mail."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.responses import RedirectResponse

from expenses.errors import (
    ExpensesError,
    InvalidInput,
    NotLoggedIn,
    NotRegistered,
    RegistrationClosed,
    SecondFactorRequired,
    Suspended,
    TooManyAttempts,
    WrongPassword,
)
from expenses.i18n.languages import gettext, sentence
from expenses.users import sessions
from expenses.users.confirmations import send_confirmation
from expenses.users.models import Role
from expenses.users.passwords import ensure_acceptable, hash_password
from expenses.users.registration import begin_registration, suggest_email
from expenses.users.schemas import Email, Password
from expenses.users.second_factor.pending import begin_second_step
from expenses.users.sessions import NewSession, authenticate
from expenses.users.throttling import confirmation_limits, count_attempt, registration_limits
from expenses.web.dependencies import (
    CallerDependency,
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    caller_of,
    forget,
    keep_logged_in,
    settings_of,
    token_of,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import flash, local_path, refuse_at, render
from expenses.web.problems import refused, status_of
from expenses.web.security.cookies import remember_device
from expenses.web.validation import parse

router = APIRouter()

HOME = {Role.EMPLOYEE: "/tickets", Role.EMPLOYER: "/admin/"}


class Credentials(BaseModel):
    email: Email
    password: Password


@router.get("/")
async def home(request: Request, connection: ConnectionDependency) -> Response:
    """Shows strangers what this is, and sends everybody else on to their page."""
    try:
        user = await authenticate(connection, token_of(request), lock=False)
    except NotLoggedIn:
        return render(request, "home.html")
    return to(HOME[user.role])


@router.get("/login")
async def login_page(request: Request, connection: ConnectionDependency) -> Response:
    way_on = request.query_params.get("next", "")
    try:
        user = await authenticate(connection, token_of(request), lock=False)
    except NotLoggedIn:
        suggested = (
            request.session.get("suggested") if "suggested" in request.query_params else None
        )
        return _login_page(request, FormValues(next=way_on, email=suggested or ""))
    return to(local_path(way_on, HOME[user.role]))


@router.post("/login")
async def log_in(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    try:
        credentials = parse(Credentials, form)
        session = await sessions.log_in(
            database,
            email=credentials.email,
            password=credentials.password,
            caller=caller,
            settings=settings,
        )
    except SecondFactorRequired as error:
        async with database.transaction() as connection:
            token = await begin_second_step(connection, **error.details)
        return go_on(request, token, form["next"])
    except NotRegistered:
        if settings.registration != "open":
            return await _confirm(request, database, form, credentials.email)
        return await _begin(request, database, form, credentials)
    except TooManyAttempts as error:
        return _too_often(request, form, error)
    except InvalidInput as error:
        return _login_page(request, form, error.fields, status=422)
    except WrongPassword as error:
        return _login_page(request, form, {"password": sentence(error)}, status=status_of(error))
    except Suspended as error:
        return _login_page(request, form, {"email": sentence(error)}, status=status_of(error))
    return welcome(request, session, form["next"])


@router.post("/logout")
async def log_out(
    request: Request, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    await sessions.log_out(connection, user)
    forget(request)
    flash(request, gettext("You have logged out."))
    answer = to("/login")
    # Not the cookies: the one that is left knows the language, and which browser this is.
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def go_on(request: Request, begun: NewSession | str, way_on: str | None) -> Response:
    """Log a browser in, or ask for a passkey first: a text is the token of the second step."""
    if isinstance(begun, NewSession):
        return welcome(request, begun, way_on)
    forget(request)
    request.session.update(second_step=begun, next=way_on)
    return to("/login/second-step")


def welcome(request: Request, session: NewSession, way_on: str | None) -> Response:
    """Log a browser in, and lead it on."""
    keep_logged_in(request, session)
    answer = to(local_path(way_on, HOME[session.user.role]))
    remember_device(request, answer, session.user.id, settings_of(request))
    return answer


def back_to_login(request: Request, error: ExpensesError) -> Response:
    request.session.pop("registration", None)
    return refuse_at(request, "/login", error)


def to(path: str) -> Response:
    return RedirectResponse(path, status_code=303)


async def _begin(
    request: Request,
    database: DatabaseDependency,
    form: FormValues,
    credentials: Credentials,
) -> Response:
    """Keep an unknown e-mail with its hashed password, and ask for the rest."""
    try:
        ensure_acceptable(credentials.password, email=credentials.email)
    except InvalidInput as error:
        return _login_page(request, form, error.fields, status=422, is_new=True)
    try:
        limits = registration_limits(caller_of(request), settings_of(request))
        await count_attempt(database, limits)
    except TooManyAttempts as error:
        return _too_often(request, form, error)
    password_hash = await hash_password(credentials.password)
    async with database.transaction() as connection:
        token = await begin_registration(
            connection, email=credentials.email, password_hash=password_hash
        )
        suggested = await suggest_email(connection, credentials.email)
    # In the session: addresses of pages are logged, and must not hold an e-mail.
    request.session.update(registration=token, next=form["next"], suggested=suggested)
    return to("/register")


async def _confirm(
    request: Request, database: DatabaseDependency, form: FormValues, email: str
) -> Response:
    """Mail a link to an unknown e-mail that may register, by which its reader goes on."""
    settings = settings_of(request)
    try:
        await count_attempt(database, confirmation_limits(caller_of(request), email, settings))
        async with database.transaction() as connection:
            await send_confirmation(connection, email, settings=settings)
    except TooManyAttempts as error:
        return _too_often(request, form, error)
    except RegistrationClosed as error:
        return _login_page(request, form, {"email": sentence(error)}, status=status_of(error))
    return render(request, "check_mail.html", email=email)


def _login_page(
    request: Request,
    form: FormValues,
    errors: dict[str, str] | None = None,
    *,
    status: int = 200,
    is_new: bool = False,
) -> Response:
    # The password is never sent back.
    values = FormValues(email=form["email"], next=form["next"])
    settings = settings_of(request)
    return render(
        request,
        "login.html",
        status_code=status,
        values=values,
        errors=errors or {},
        is_new=is_new,
        takes_passwords=not settings.oidc_only,
        issuer=settings.oidc_name if settings.oidc_issuer else None,
        registration=settings.registration,
    )


def _too_often(request: Request, form: FormValues, error: TooManyAttempts) -> Response:
    return refused(_login_page(request, form, {"password": sentence(error)}), error)
