"""The pages of registering where e-mails are confirmed first, by a link that is mailed."""

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from expenses.database.engine import Database
from expenses.errors import (
    ConfirmationExpired,
    EmailTaken,
    InvalidInput,
    RegistrationClosed,
    TooManyAttempts,
    UsernameTaken,
)
from expenses.i18n.languages import sentence
from expenses.portal.forgotten import takes_passwords
from expenses.portal.login import back_to_login, go_on
from expenses.settings import Settings
from expenses.users.confirmations import find_confirmation, register_confirmed
from expenses.users.models import Role
from expenses.users.passwords import hash_new
from expenses.users.schemas import Password, Username
from expenses.users.second_factor.log_in import log_in_registered
from expenses.users.sessions import NewSession
from expenses.users.throttling import Caller, count_attempt, registration_limits
from expenses.web.dependencies import (
    CallerDependency,
    ConnectionDependency,
    DatabaseDependency,
    SettingsDependency,
    settings_of,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import render
from expenses.web.problems import refused
from expenses.web.validation import parse

router = APIRouter(dependencies=[Depends(takes_passwords)])


class ConfirmedPerson(BaseModel):
    username: Username
    role: Role
    new: Password


@router.get("/confirm")
async def confirmed_page(
    request: Request, connection: ConnectionDependency, token: str = ""
) -> Response:
    try:
        email = await find_confirmation(connection, token)
    except ConfirmationExpired as error:
        return back_to_login(request, error)
    return _page(request, email, FormValues(token=token))


@router.post("/confirm")
async def register(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    """Registers, and logs in. The password is chosen here, by whoever reads the mail."""
    try:
        async with database.reading() as connection:
            email = await find_confirmation(connection, form["token"])
        person = parse(ConfirmedPerson, form)
        await count_attempt(database, registration_limits(caller, settings))
        password_hash = await hash_new(person.new, email=email)
        begun = await _register(database, form, person, password_hash, caller, settings)
    except InvalidInput as error:
        return _page(request, email, form, error.fields)
    except (TooManyAttempts, UsernameTaken) as error:
        return refused(_page(request, email, form, {"username": sentence(error)}), error)
    except (ConfirmationExpired, EmailTaken, RegistrationClosed) as error:
        return back_to_login(request, error)
    return go_on(request, begun, None)


async def _register(
    database: Database,
    form: FormValues,
    person: ConfirmedPerson,
    password_hash: str,
    caller: Caller,
    settings: Settings,
) -> NewSession | str:
    """Return the new user's session, or the token of a log-in that takes a second step."""
    async with database.transaction() as connection:
        user = await register_confirmed(
            connection,
            form["token"],
            password_hash=password_hash,
            username=person.username,
            role=person.role,
            employer_code=form["employer_code"],
            settings=settings,
        )
        return await log_in_registered(connection, user.id, caller=caller, settings=settings)


def _page(
    request: Request, email: str, values: FormValues, errors: dict[str, str] | None = None
) -> Response:
    return render(
        request,
        "confirm.html",
        status_code=422 if errors else 200,
        email=email,
        values=values,
        errors=errors or {},
        asks_for_code=settings_of(request).employer_code is not None,
    )
