"""The page behind the link of an invitation: a name and a password, and one is registered."""

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from expenses.errors import (
    EmailTaken,
    InvalidInput,
    InvitationExpired,
    TooManyAttempts,
    UsernameTaken,
)
from expenses.i18n.languages import sentence
from expenses.portal.forgotten import takes_passwords
from expenses.portal.login import back_to_login, go_on
from expenses.users.invitation_queries import Invitee, find_invitation
from expenses.users.invitations import accept_invitation
from expenses.users.passwords import hash_new
from expenses.users.schemas import Password, Username
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

router = APIRouter(dependencies=[Depends(takes_passwords)])


class InvitedPerson(BaseModel):
    username: Username
    new: Password


@router.get("/invited")
async def invited_page(
    request: Request, connection: ConnectionDependency, token: str = ""
) -> Response:
    try:
        invitee = await find_invitation(connection, token)
    except InvitationExpired as error:
        return back_to_login(request, error)
    return _page(request, invitee, FormValues(token=token))


@router.post("/invited")
async def accept(
    request: Request,
    form: FormDependency,
    database: DatabaseDependency,
    caller: CallerDependency,
    settings: SettingsDependency,
) -> Response:
    """Registers, and logs in."""
    secret = form["token"]
    try:
        async with database.reading() as connection:
            invitee = await find_invitation(connection, secret)
        person = parse(InvitedPerson, form)
        await count_attempt(database, registration_limits(caller, settings))
        password_hash = await hash_new(person.new, email=invitee.email)
        async with database.transaction() as connection:
            user = await accept_invitation(
                connection,
                secret,
                username=person.username,
                password_hash=password_hash,
                settings=settings,
            )
            begun = await log_in_registered(connection, user.id, caller=caller, settings=settings)
    except InvalidInput as error:
        return _page(request, invitee, form, error.fields)
    except (TooManyAttempts, UsernameTaken) as error:
        return refused(_page(request, invitee, form, {"username": sentence(error)}), error)
    except (InvitationExpired, EmailTaken) as error:
        return back_to_login(request, error)
    return go_on(request, begun, None)


def _page(
    request: Request, invitee: Invitee, values: FormValues, errors: dict[str, str] | None = None
) -> Response:
    return render(
        request,
        "invited.html",
        status_code=422 if errors else 200,
        invitee=invitee,
        values=values,
        errors=errors or {},
    )
