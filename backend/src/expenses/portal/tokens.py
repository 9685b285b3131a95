"""The pages where people make tokens for their programs, and revoke them."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput, TooManyAttempts, TooManyTokens
from expenses.i18n.languages import gettext, sentence
from expenses.users import tokens
from expenses.users.account import confirmed_by_password
from expenses.users.models import Scope
from expenses.users.policy import ensure_can_grant, scopes_of
from expenses.users.schemas import NewToken
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

router = APIRouter(prefix="/account/tokens")


@router.get("")
async def token_page(request: Request, user: CurrentUserDependency) -> Response:
    form = FormValues(days=str(NewToken.model_fields["days"].default))
    form.many = {"scopes": [Scope.READ]}
    return _token_page(request, user, form, {})


@router.post("")
async def create_token(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    """Shows the token once. Holds no connection while the password is checked."""
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    try:
        new = parse(NewToken, {**form, "scopes": form.many.get("scopes", [])})
        ensure_can_grant(new.scopes, actor=user)
        async with confirmed_by_password(
            database, new.password, actor=user, settings=settings
        ) as connection:
            made, token = await tokens.create_token(connection, new, actor=user)
    except InvalidInput as error:
        return refused(_token_page(request, user, form, error.fields), error)
    except TooManyAttempts as error:
        return refused(_token_page(request, user, form, {"password": sentence(error)}), error)
    except TooManyTokens as error:
        return refused(_token_page(request, user, form, {"name": sentence(error)}), error)
    return render(request, "token_made.html", made=made, token=token)


@router.post("/{token_id}/revoke")
async def revoke_token(
    request: Request, token_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    revoked = await tokens.revoke_token(connection, token_id, actor=user)
    flash(request, gettext("The token %(name)s is revoked.", name=revoked.name))
    return RedirectResponse("/account", status_code=303)


def _token_page(
    request: Request, user: CurrentUser, form: FormValues, errors: dict[str, str]
) -> Response:
    return render(
        request,
        "token.html",
        scopes=scopes_of(user),
        ticked=form.many.get("scopes", []),
        values=form,
        errors=errors,
    )
