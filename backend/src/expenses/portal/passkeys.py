"""The page with one's passkeys: adding and removing them, and new recovery codes."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse

from expenses.errors import (
    ExpensesError,
    InvalidInput,
    LastPasskey,
    PasskeyRefused,
    TooManyAttempts,
)
from expenses.i18n.languages import gettext, sentence
from expenses.i18n.lines import Name
from expenses.portal.passkey_questions import ask, site_of, take_challenge_of
from expenses.users.account import confirmed_by_password
from expenses.users.clients import client_name
from expenses.users.schemas import Password
from expenses.users.second_factor import passkeys, queries
from expenses.users.second_factor.recovery_codes import make_new_codes
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
)
from expenses.web.pages.forms import FormDependency
from expenses.web.pages.rendering import flash, refuse_at, render
from expenses.web.problems import problem, refused
from expenses.web.validation import parse

router = APIRouter(prefix="/account/passkeys")

PAGE = "/account/passkeys"


class Confirmation(BaseModel):
    password: Password


class PasskeyName(BaseModel):
    name: Name = Field(min_length=1, max_length=80)


class NewPasskey(PasskeyName, Confirmation):
    pass


@router.get("")
async def passkeys_page(
    request: Request, user: CurrentUserDependency, database: DatabaseDependency
) -> Response:
    return await _page(request, database, user)


@router.post("/options")
async def ask_for_new(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    """Asks for the password before the passkey; holds no connection while it is checked."""
    user = await _user(request, database)
    try:
        password = parse(NewPasskey, form).password
        async with confirmed_by_password(
            database, password, actor=user, settings=settings
        ) as connection:
            question = await passkeys.ask_for_new(
                connection, user.id, user.email, user.username, site=site_of(request)
            )
    except ExpensesError as error:
        return problem(error)
    return ask(request, question)


@router.post("")
async def add_passkey(
    request: Request, form: FormDependency, database: DatabaseDependency
) -> Response:
    """Shows the recovery codes once, where it is the first."""
    user = await _user(request, database)
    try:
        name = parse(PasskeyName, form).name
        new = await passkeys.check_new(
            database,
            form["credential"],
            take_challenge_of(request),
            user_id=user.id,
            site=site_of(request),
        )
        async with database.transaction() as connection:
            await get_current_user(request, connection)
            codes = await passkeys.add_passkey(connection, new, name, user_id=user.id)
    except InvalidInput as error:
        return refused(await _page(request, database, user, error.fields), error)
    except PasskeyRefused as error:
        return refuse_at(request, PAGE, error)
    if codes:
        return render(request, "recovery_codes.html", codes=codes, way_on=PAGE)
    flash(request, gettext("The passkey %(name)s has been added.", name=name))
    return RedirectResponse(PAGE, status_code=303)


@router.get("/{passkey_id}/remove")
async def ask_to_remove(
    request: Request, passkey_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    passkey = await queries.get_passkey(connection, passkey_id, actor=user)
    return render(request, "passkey_remove.html", passkey=passkey, errors={})


@router.post("/{passkey_id}/remove")
async def remove_passkey(
    request: Request,
    passkey_id: int,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    user = await _user(request, database)
    async with database.reading() as connection:
        passkey = await queries.get_passkey(connection, passkey_id, actor=user)
    try:
        password = parse(Confirmation, form).password
        async with confirmed_by_password(
            database, password, actor=user, settings=settings
        ) as connection:
            await passkeys.remove_passkey(connection, passkey_id, actor=user, settings=settings)
    except (InvalidInput, TooManyAttempts, LastPasskey) as error:
        page = render(request, "passkey_remove.html", passkey=passkey, errors=_errors(error))
        return refused(page, error)
    flash(request, gettext("The passkey %(name)s has been removed.", name=passkey.name))
    return RedirectResponse(PAGE, status_code=303)


@router.post("/recovery-codes")
async def make_recovery_codes(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> Response:
    user = await _user(request, database)
    try:
        password = parse(Confirmation, {"password": form["code_password"]}).password
        async with confirmed_by_password(
            database, password, actor=user, settings=settings
        ) as connection:
            codes = await make_new_codes(connection, actor=user)
    except (InvalidInput, TooManyAttempts) as error:
        errors = {"code_password": _errors(error)["password"]}
        return refused(await _page(request, database, user, errors), error)
    return render(request, "recovery_codes.html", codes=codes, way_on=PAGE)


async def _page(
    request: Request,
    database: DatabaseDependency,
    user: CurrentUser,
    errors: dict[str, str] | None = None,
) -> Response:
    async with database.reading() as connection:
        found = await queries.list_passkeys(connection, actor=user)
        factors = await queries.count_factors(connection, user.id)
    return render(
        request,
        "passkeys.html",
        passkeys=found,
        factors=factors,
        errors=errors or {},
        device=client_name(request.headers.get("user-agent"))[:80],
    )


async def _user(request: Request, database: DatabaseDependency) -> CurrentUser:
    async with database.reading() as connection:
        return await get_current_user(request, connection)


def _errors(error: ExpensesError) -> dict[str, str]:
    return error.fields if isinstance(error, InvalidInput) else {"password": sentence(error)}
