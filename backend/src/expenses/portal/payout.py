"""The page where employees say where they want to be paid."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput, TooManyAttempts
from expenses.i18n.languages import gettext, sentence
from expenses.payments import payout
from expenses.payments.payout_schemas import NewPayout
from expenses.payments.policy import ensure_can_be_paid
from expenses.users.account import confirmed_by_password
from expenses.users.schemas import Password
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import flash, render
from expenses.web.problems import refused
from expenses.web.validation import parse

router = APIRouter(prefix="/account/payout")


class PayoutForm(NewPayout):
    """Who logs in by single sign-on may have no password."""

    password: Annotated[Password | None, Field(repr=False)] = None


@router.get("")
async def payout_page(
    request: Request, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    return await _payout_page(request, connection, user, FormValues(), {})


@router.post("")
async def set_payout(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    """Holds no connection while the password is checked."""
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    ensure_can_be_paid(user)
    try:
        filled = parse(PayoutForm, form)
        details = filled.details()
        async with confirmed_by_password(
            database, filled.password, actor=user, settings=settings
        ) as connection:
            stored = await payout.set_payout(connection, details, actor=user, settings=settings)
    except (InvalidInput, TooManyAttempts) as error:
        errors = error.fields if isinstance(error, InvalidInput) else {"password": sentence(error)}
        async with database.reading() as connection:
            page = await _payout_page(request, connection, user, form, errors)
        return refused(page, error)
    flash(request, gettext("You will be paid to %(payout)s from now on.", payout=stored.masked))
    return _to_account()


@router.post("/remove")
async def remove_payout(
    request: Request, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    await payout.remove_payout(connection, actor=user)
    flash(request, gettext("Your payout details have been removed."))
    return _to_account()


async def _payout_page(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    values: FormValues,
    errors: dict[str, str],
) -> Response:
    return render(
        request,
        "payout.html",
        values=values,
        errors=errors,
        payout=await payout.get_payout(connection, actor=user),
    )


def _to_account() -> Response:
    return RedirectResponse("/account", status_code=303)
