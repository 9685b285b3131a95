"""Passkeys at log-in: instead of the password, after it, or the first one that is asked for."""

from fastapi import APIRouter, Request, Response

from expenses.errors import (
    ExpensesError,
    InvalidInput,
    LogInExpired,
    PasskeyRefused,
    PasswordsOff,
    Suspended,
    TooManyAttempts,
    WrongPassword,
)
from expenses.i18n.languages import ngettext, sentence
from expenses.portal.login import HOME, welcome
from expenses.portal.passkey_questions import ask, site_of, take_challenge_of
from expenses.users.clients import client_name
from expenses.users.second_factor import log_in
from expenses.users.second_factor.pending import find_pending
from expenses.web.dependencies import (
    CallerDependency,
    ConnectionDependency,
    DatabaseDependency,
    SettingsDependency,
    keep_logged_in,
)
from expenses.web.pages.forms import FormDependency
from expenses.web.pages.rendering import flash, local_path, refuse_at, render
from expenses.web.problems import problem, refused
from expenses.web.security.cookies import remember_device

router = APIRouter(prefix="/login")

SECOND_STEP = "/login/second-step"
# Where the log-in has to begin anew.
ENDED = (LogInExpired, Suspended, WrongPassword)


@router.post("/passkey/options")
async def ask_instead_of_password(
    request: Request,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    try:
        question = await log_in.ask_instead_of_password(
            database, site=site_of(request), caller=caller, settings=settings
        )
    except (TooManyAttempts, PasswordsOff) as error:
        return problem(error)
    return ask(request, question)


@router.post("/passkey")
async def log_in_with_passkey(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    challenge = take_challenge_of(request)
    try:
        session = await log_in.log_in_with_passkey(
            database,
            form["credential"],
            challenge,
            site=site_of(request),
            caller=caller,
            settings=settings,
        )
    except (PasskeyRefused, PasswordsOff, Suspended) as error:
        return refuse_at(request, "/login", error)
    return welcome(request, session, form["next"])


@router.get("/second-step")
async def second_step_page(request: Request, database: DatabaseDependency) -> Response:
    return await _page(request, database)


@router.post("/second-step/options")
async def ask_for_second_step(request: Request, connection: ConnectionDependency) -> Response:
    try:
        question = await log_in.ask_for_second_step(
            connection, request.session.get("second_step"), site=site_of(request)
        )
    except LogInExpired as error:
        return problem(error)
    return ask(request, question)


@router.post("/second-step")
async def finish_with_passkey(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    try:
        session = await log_in.finish_with_passkey(
            database,
            request.session.get("second_step"),
            form["credential"],
            take_challenge_of(request),
            site=site_of(request),
            caller=caller,
            settings=settings,
        )
    except (PasskeyRefused, *ENDED) as error:
        return _again(request, error)
    return welcome(request, session, request.session.get("next"))


@router.post("/first-passkey")
async def finish_by_enrolling(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    """Shows the recovery codes once, before one goes on."""
    try:
        session, codes = await log_in.finish_by_enrolling(
            database,
            request.session.get("second_step"),
            form["credential"],
            take_challenge_of(request),
            client_name(caller.client)[:80],
            site=site_of(request),
            caller=caller,
            settings=settings,
        )
    except (PasskeyRefused, *ENDED) as error:
        return _again(request, error)
    way_on = local_path(request.session.get("next"), HOME[session.user.role])
    keep_logged_in(request, session)
    page = render(request, "recovery_codes.html", codes=codes, way_on=way_on)
    remember_device(request, page, session.user.id, settings)
    return page


@router.post("/recovery-code")
async def finish_with_code(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    try:
        session, left = await log_in.finish_with_code(
            database,
            request.session.get("second_step"),
            form["code"],
            caller=caller,
            settings=settings,
        )
    except (InvalidInput, TooManyAttempts) as error:
        errors = error.fields if isinstance(error, InvalidInput) else {"code": sentence(error)}
        return refused(await _page(request, database, errors), error)
    except ENDED as error:
        return _again(request, error)
    way_on = request.session.get("next")
    answer = welcome(request, session, way_on)
    flash(
        request,
        ngettext(
            "%(number)s recovery code is left. If your passkey is lost, replace it.",
            "%(number)s recovery codes are left. If your passkey is lost, replace it.",
            left,
            number=left,
        ),
        "warning",
    )
    return answer


async def _page(
    request: Request, database: DatabaseDependency, errors: dict[str, str] | None = None
) -> Response:
    try:
        async with database.reading() as connection:
            pending = await find_pending(connection, request.session.get("second_step"))
    except LogInExpired as error:
        return _again(request, error)
    return render(request, "second_step.html", pending=pending, errors=errors or {})


def _again(request: Request, error: ExpensesError) -> Response:
    page = SECOND_STEP if isinstance(error, PasskeyRefused) else "/login"
    return refuse_at(request, page, error)
