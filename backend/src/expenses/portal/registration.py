"""The page that asks an unknown e-mail for a name and a role."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from expenses.errors import (
    EmailTaken,
    InvalidInput,
    LinkedToAnother,
    PasswordsOff,
    RegistrationClosed,
    RegistrationExpired,
    TooManyAttempts,
    UsernameTaken,
)
from expenses.i18n.languages import sentence
from expenses.portal.login import back_to_login, go_on
from expenses.users.models import Role
from expenses.users.registration import Pending, complete_registration, find_pending
from expenses.users.schemas import Username
from expenses.users.second_factor.log_in import log_in_registered
from expenses.users.throttling import count_attempt, registration_limits
from expenses.web.dependencies import (
    CallerDependency,
    ConnectionDependency,
    DatabaseDependency,
    SettingsDependency,
)
from expenses.web.pages.forms import FormDependency, FormValues
from expenses.web.pages.rendering import render
from expenses.web.problems import refused
from expenses.web.validation import parse

router = APIRouter()


class Person(BaseModel):
    username: Username
    role: Role


@router.get("/register")
async def registration_page(request: Request, connection: ConnectionDependency) -> Response:
    try:
        pending = await find_pending(connection, request.session.get("registration"))
    except RegistrationExpired as error:
        return back_to_login(request, error)
    return _page(request, pending, FormValues(username=pending.username or ""))


@router.post("/register")
async def register(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    token = request.session.get("registration")
    try:
        async with database.reading() as connection:
            pending = await find_pending(connection, token)
        person = parse(Person, form | {"role": pending.role} if pending.role else form)
        # Each is a guess at the employers' code, too.
        await count_attempt(database, registration_limits(caller, settings))
        async with database.transaction() as connection:
            user = await complete_registration(
                connection,
                token,
                username=person.username,
                role=person.role,
                employer_code=form["employer_code"],
                settings=settings,
            )
            begun = await log_in_registered(connection, user.id, caller=caller, settings=settings)
    except InvalidInput as error:
        return _page(request, pending, form, error.fields)
    except (TooManyAttempts, UsernameTaken) as error:
        page = _page(request, pending, form, {"username": sentence(error)})
        return refused(page, error)
    except (
        RegistrationClosed,
        RegistrationExpired,
        EmailTaken,
        LinkedToAnother,
        PasswordsOff,
    ) as error:
        return back_to_login(request, error)
    return go_on(request, begun, request.session.get("next"))


def _page(
    request: Request,
    pending: Pending,
    values: FormValues,
    errors: dict[str, str] | None = None,
) -> Response:
    return render(
        request,
        "register.html",
        status_code=422 if errors else 200,
        pending=pending,
        suggested=request.session.get("suggested"),
        way_on=request.session.get("next", ""),
        values=values,
        errors=errors or {},
        asks_for_code=request.app.state.settings.employer_code is not None,
    )
