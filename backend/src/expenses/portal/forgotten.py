"""The pages for a forgotten password: asking for a link, and setting a new one with it."""

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput, ResetExpired, TooManyAttempts
from expenses.i18n.languages import gettext, sentence
from expenses.notifications.links import secret_of_token
from expenses.users import resets
from expenses.users.policy import ensure_takes_passwords
from expenses.users.schemas import Email, Password
from expenses.users.throttling import count_attempt, reset_limits
from expenses.web.dependencies import (
    CallerDependency,
    DatabaseDependency,
    SettingsDependency,
    forget,
    settings_of,
)
from expenses.web.pages.forms import FormDependency, FormValues, ensure_typed_twice
from expenses.web.pages.rendering import flash, refuse_at, render
from expenses.web.problems import refused
from expenses.web.validation import parse


async def takes_passwords(settings: SettingsDependency) -> None:
    """Raises `PasswordsOff`."""
    ensure_takes_passwords(settings)


router = APIRouter(dependencies=[Depends(takes_passwords)])


class Forgetful(BaseModel):
    email: Email


class NewPassword(BaseModel):
    new: Password


@router.get("/forgot")
async def forgot_page(request: Request) -> Response:
    return _forgot_page(request, FormValues())


@router.post("/forgot")
async def ask_for_link(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    """Answers the same, and as fast, whether anybody has the e-mail."""
    try:
        email = parse(Forgetful, form).email
        await count_attempt(database, reset_limits(caller, email, settings))
    except InvalidInput as error:
        return _forgot_page(request, form, error.fields, status=422)
    except TooManyAttempts as error:
        return refused(_forgot_page(request, form, {"email": sentence(error)}), error)
    page = _forgot_page(request, FormValues(), is_sent=True)
    page.background = BackgroundTask(resets.send_link, database, email)
    return page


@router.get("/reset")
async def reset_page(request: Request, database: DatabaseDependency, token: str = "") -> Response:
    try:
        async with database.reading() as connection:
            secret = secret_of_token(token, settings_of(request))
            forgotten = await resets.find_reset(connection, secret)
    except ResetExpired as error:
        return _expired(request, error)
    return render(
        request, "reset.html", token=token, email=forgotten.email, values=FormValues(), errors={}
    )


@router.post("/reset")
async def set_password(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    try:
        secret = secret_of_token(form["token"], settings)
        async with database.reading() as connection:
            forgotten = await resets.find_reset(connection, secret)
        password = parse(NewPassword, form).new
        ensure_typed_twice(form)
        await resets.reset_password(
            database, forgotten, secret, password, revoke_tokens="tokens" in form
        )
    except ResetExpired as error:
        return _expired(request, error)
    except InvalidInput as error:
        return render(
            request,
            "reset.html",
            status_code=422,
            token=form["token"],
            email=forgotten.email,
            values=FormValues(),
            errors=error.fields,
        )
    forget(request)
    flash(request, gettext("Your new password is set. Log in with it now."))
    return RedirectResponse("/login", status_code=303)


def _forgot_page(
    request: Request,
    form: FormValues,
    errors: dict[str, str] | None = None,
    *,
    status: int = 200,
    is_sent: bool = False,
) -> Response:
    return render(
        request,
        "forgot.html",
        status_code=status,
        is_sent=is_sent,
        sends_mails=settings_of(request).smtp_url is not None,
        values=FormValues(email=form["email"]),
        errors=errors or {},
    )


def _expired(request: Request, error: ResetExpired) -> Response:
    return refuse_at(request, "/forgot", error)
