"""The account page of employees and employers: name, password, mails, sessions."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput, TooManyAttempts, UsernameTaken
from expenses.i18n.languages import gettext, ngettext, sentence
from expenses.payments.payout import get_payout
from expenses.payments.policy import can_be_paid
from expenses.users import account
from expenses.users.schemas import Password, Username
from expenses.users.second_factor.queries import count_factors
from expenses.users.sessions import MAX_LISTED, CurrentUser, list_sessions
from expenses.users.tokens import list_tokens
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
    settings_of,
)
from expenses.web.pages.forms import FormDependency, FormValues, ensure_typed_twice
from expenses.web.pages.rendering import flash, render
from expenses.web.problems import refused
from expenses.web.validation import parse

router = APIRouter(prefix="/account")


class NewName(BaseModel):
    username: Username


class NewPassword(BaseModel):
    old: Password
    new: Password


class MailSwitch(BaseModel):
    mails: Literal["on", "off"]


@router.get("")
async def account_page(
    request: Request, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    return await _account_page(request, connection, user)


@router.post("/username")
async def change_username(
    request: Request,
    form: FormDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
) -> Response:
    try:
        username = parse(NewName, form).username
        await account.change_username(connection, username, actor=user)
    except InvalidInput as error:
        return await _account_page(request, connection, user, form, error.fields)
    except UsernameTaken as error:
        errors = {"username": sentence(error)}
        return refused(await _account_page(request, connection, user, form, errors), error)
    flash(request, gettext("Your name is now %(username)s.", username=username))
    return _to_account()


@router.post("/mails")
async def switch_mails(
    request: Request,
    form: FormDependency,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
) -> Response:
    is_on = parse(MailSwitch, form).mails == "on"
    await account.switch_mails(connection, on=is_on, actor=user)
    said = (
        gettext("You will get e-mails again.")
        if is_on
        else gettext("You will get no more e-mails.")
    )
    flash(request, said)
    return _to_account()


@router.post("/password")
async def change_password(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    """Holds no connection while passwords are hashed."""
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    try:
        passwords = parse(NewPassword, form)
        ensure_typed_twice(form)
        ended = await account.change_password(
            database,
            old=passwords.old,
            new=passwords.new,
            actor=user,
            settings=settings,
            revoke_tokens="tokens" in form,
        )
    except (InvalidInput, TooManyAttempts) as error:
        errors = error.fields if isinstance(error, InvalidInput) else {"old": sentence(error)}
        async with database.reading() as connection:
            page = await _account_page(request, connection, user, errors=errors)
        return refused(page, error)
    flash(request, gettext("Your password has been changed.") + " " + _logged_out(ended))
    return _to_account()


@router.post("/sessions/end-others")
async def end_other_sessions(
    request: Request, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    flash(request, _logged_out(await account.end_other_sessions(connection, actor=user)))
    return _to_account()


@router.post("/sessions/{session_id}/end")
async def end_session(
    request: Request, session_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    await account.end_session(connection, session_id, actor=user)
    flash(request, _logged_out(1))
    return _to_account()


async def _account_page(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    values: FormValues | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    places = await list_sessions(connection, user)
    factors = await count_factors(connection, user.id)
    return render(
        request,
        "account.html",
        status_code=422 if errors else 200,
        values=values or FormValues(username=user.username),
        errors=errors or {},
        sends_mails=settings_of(request).smtp_url is not None,
        payout=await get_payout(connection, actor=user) if can_be_paid(user) else None,
        places=places,
        factors=factors,
        tokens=await list_tokens(connection, actor=user),
        now=datetime.now(UTC),
        are_all=len(places) < MAX_LISTED,
    )


def _logged_out(places: int) -> str:
    if not places:
        return gettext("You are not logged in anywhere else.")
    return ngettext(
        "You have been logged out of one other session.",
        "You have been logged out of %(number)s other sessions.",
        places,
        number=places,
    )


def _to_account() -> Response:
    return RedirectResponse("/account", status_code=303)
