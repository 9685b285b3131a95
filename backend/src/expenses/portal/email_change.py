"""The pages where users change their e-mail: asking for a link, and confirming with it."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.responses import RedirectResponse

from expenses.errors import EmailTaken, InvalidInput, ResetExpired, TooManyAttempts
from expenses.i18n.languages import gettext, sentence
from expenses.notifications.links import CHANGE_EMAIL, secret_of_token
from expenses.users import email_change
from expenses.users.schemas import Email, Password
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
    settings_of,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import flash, refuse_at, render
from expenses.web.problems import refused
from expenses.web.validation import parse

router = APIRouter(prefix="/account/email")


class NewEmail(BaseModel):
    email: Email
    password: Password | None = None


@router.get("")
async def email_page(request: Request, user: CurrentUserDependency) -> Response:
    return _email_page(request, user, FormValues(), {})


@router.post("")
async def ask_for_change(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    """Holds no connection while the password is checked."""
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    try:
        asked = parse(NewEmail, form)
        is_changed = await email_change.ask_for_change(
            database, asked.email, asked.password, actor=user, settings=settings
        )
    except InvalidInput as error:
        return refused(_email_page(request, user, form, error.fields), error)
    except (EmailTaken, TooManyAttempts) as error:
        return refused(_email_page(request, user, form, {"email": sentence(error)}), error)
    if is_changed:
        return _changed(request, asked.email)
    flash(
        request,
        gettext(
            "A link is on its way to %(email)s. It works once, for 30 minutes.", email=asked.email
        ),
    )
    return RedirectResponse("/account", status_code=303)


@router.get("/confirm")
async def confirm_page(
    request: Request,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
    token: str = "",
) -> Response:
    """Asks first: virus scanners open the links in mails."""
    try:
        secret = secret_of_token(token, settings, CHANGE_EMAIL)
        email = await email_change.find_change(connection, secret, actor=user)
    except ResetExpired as error:
        return _expired(request, error)
    return render(request, "email_confirm.html", token=token, email=email)


@router.post("/confirm")
async def confirm(
    request: Request,
    form: FormDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> Response:
    try:
        secret = secret_of_token(form["token"], settings, CHANGE_EMAIL)
        email = await email_change.confirm_change(connection, secret, actor=user)
    except ResetExpired as error:
        return _expired(request, error)
    return _changed(request, email)


def _email_page(
    request: Request, user: CurrentUser, values: FormValues, errors: dict[str, str]
) -> Response:
    return render(
        request,
        "email.html",
        current=user.email,
        values=FormValues(email=values["email"]),
        errors=errors,
        sends_mails=settings_of(request).smtp_url is not None,
    )


def _changed(request: Request, email: str) -> Response:
    flash(request, gettext("You log in with %(email)s from now on.", email=email))
    return RedirectResponse("/account", status_code=303)


def _expired(request: Request, error: ResetExpired) -> Response:
    return refuse_at(request, "/account/email", error)
