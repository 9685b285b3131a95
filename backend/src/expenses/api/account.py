"""One's own account: the name, the password, mails, and where one is logged in."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, StrictBool

from expenses.api import schemas as shapes
from expenses.api.schemas import AccountAnswer
from expenses.errors import InvalidInput, NotFound, NotLoggedIn, TooManyAttempts
from expenses.users import account
from expenses.users.models import UserSession
from expenses.users.schemas import Password, Username
from expenses.users.sessions import CurrentUser, list_sessions
from expenses.web.dependencies import (
    CurrentUserDependency,
    DatabaseDependency,
    SessionDependency,
    SettingsDependency,
    get_current_user,
)
from expenses.web.problems import responses

router = APIRouter(prefix="/api", tags=["account"])


class NewName(shapes.Request):
    username: Username


class NewPassword(shapes.Request):
    old: Password
    new: Password


class MailSwitch(shapes.Request):
    on: StrictBool


class PasswordChanged(BaseModel):
    """In how many other places the user was logged in until now."""

    sessions_ended: int


class Place(BaseModel):
    """Where the user is logged in. `client` is what the browser or program called itself."""

    id: int
    client: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_this: bool

    @classmethod
    def of(cls, place: UserSession, user: CurrentUser) -> "Place":
        return cls(
            id=place.id,
            client=place.client,
            created_at=place.created_at,
            last_seen_at=place.last_seen_at,
            expires_at=place.expires_at,
            is_this=place.id == user.session_id,
        )


class PlaceList(BaseModel):
    items: list[Place]


@router.patch("/me", responses=responses(NotLoggedIn, InvalidInput))
async def change_username(
    body: NewName, user: CurrentUserDependency, session: SessionDependency
) -> AccountAnswer:
    """Be called something else."""
    return AccountAnswer.of(await account.change_username(session, body.username, actor=user))


@router.put("/me/mails", responses=responses(NotLoggedIn, InvalidInput))
async def switch_mails(
    body: MailSwitch, user: CurrentUserDependency, session: SessionDependency
) -> AccountAnswer:
    """Get mails, or get none: of decisions as an employee, of what is waiting as an employer."""
    return AccountAnswer.of(await account.switch_mails(session, on=body.on, actor=user))


@router.post("/me/password", responses=responses(NotLoggedIn, InvalidInput, TooManyAttempts))
async def change_password(
    body: NewPassword,
    request: Request,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> PasswordChanged:
    """Change the password, and log out everywhere but here."""
    # Without the usual session: no connection is held while passwords are hashed.
    async with database.reading() as session:
        user = await get_current_user(request, session)
    ended = await account.change_password(
        database, old=body.old, new=body.new, actor=user, settings=settings
    )
    return PasswordChanged(sessions_ended=ended)


@router.get("/sessions", responses=responses(NotLoggedIn))
async def get_sessions(user: CurrentUserDependency, session: SessionDependency) -> PlaceList:
    """Where one is logged in: this session first, then the last seen; at most 100."""
    places = await list_sessions(session, user)
    return PlaceList(items=[Place.of(place, user) for place in places])


@router.delete(
    "/sessions/{session_id}", status_code=204, responses=responses(NotLoggedIn, NotFound)
)
async def end_session(
    session_id: int, user: CurrentUserDependency, session: SessionDependency
) -> Response:
    """Log out in one of the places where one is logged in."""
    await account.end_session(session, session_id, actor=user)
    return Response(status_code=204)
