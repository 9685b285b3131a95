"""Your own account: name, password, e-mails and sessions."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, StrictBool

from expenses.api import schemas as shapes
from expenses.api.schemas import AccountAnswer
from expenses.errors import EmailTaken, InvalidInput, NotFound, TooManyAttempts, UsernameTaken
from expenses.users import account, email_change
from expenses.users.schemas import Email, NewPassword, Password, Username
from expenses.users.sessions import CurrentUser, SessionView, list_sessions
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
)
from expenses.web.openapi import session_read_problems, session_write_problems, with_links

router = APIRouter(prefix="/api", tags=["account"])


class NewName(shapes.Request):
    username: Username


class PasswordChange(shapes.Request):
    old: Password
    new: NewPassword
    revoke_tokens: StrictBool = Field(False, description="Whether to revoke your tokens, too.")


class EmailChangeRequest(shapes.Request):
    email: Email
    password: Password


class MailSwitch(shapes.Request):
    on: StrictBool


class PasswordChanged(BaseModel):
    """In how many other places the user was logged in until now."""

    sessions_ended: int


class EmailChangeAnswer(BaseModel):
    """Whether the e-mail is changed. If not yet, a link in a mail to the new one does that."""

    changed: bool


class SessionItem(BaseModel):
    """One of the user's sessions. `client` is what the browser or program called itself.

    `address` is where it logged in from; with IPv6, the network.
    """

    id: int
    client: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_this: bool

    @classmethod
    def of(cls, session: SessionView, user: CurrentUser) -> "SessionItem":
        return cls(**session._asdict(), is_this=session.id == user.session_id)


class SessionList(BaseModel):
    items: list[SessionItem]


@router.patch("/me", responses=session_write_problems(UsernameTaken, InvalidInput))
async def change_username(
    body: NewName, user: CurrentUserDependency, connection: ConnectionDependency
) -> AccountAnswer:
    """Be called something else."""
    return AccountAnswer.of(await account.change_username(connection, body.username, actor=user))


@router.put("/me/mails", responses=session_write_problems(InvalidInput))
async def switch_mails(
    body: MailSwitch, user: CurrentUserDependency, connection: ConnectionDependency
) -> AccountAnswer:
    """Turn e-mails on or off: about decisions for an employee, the daily digest for an employer."""
    return AccountAnswer.of(await account.switch_mails(connection, on=body.on, actor=user))


@router.post("/me/password", responses=session_write_problems(InvalidInput, TooManyAttempts))
async def change_password(
    body: PasswordChange,
    request: Request,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> PasswordChanged:
    """Change the password, and log out everywhere but here."""
    # No connection is held while passwords are hashed.
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    ended = await account.change_password(
        database,
        old=body.old,
        new=body.new,
        actor=user,
        settings=settings,
        revoke_tokens=body.revoke_tokens,
    )
    return PasswordChanged(sessions_ended=ended)


@router.post(
    "/me/email", responses=session_write_problems(EmailTaken, InvalidInput, TooManyAttempts)
)
async def change_email(
    body: EmailChangeRequest,
    request: Request,
    database: DatabaseDependency,
    settings: SettingsDependency,
) -> EmailChangeAnswer:
    """Change the e-mail: by a link that is mailed to it, or at once where no mails are sent."""
    # No connection is held while the password is checked.
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    changed = await email_change.ask_for_change(
        database, body.email, body.password, actor=user, settings=settings
    )
    return EmailChangeAnswer(changed=changed)


@router.get(
    "/sessions",
    responses=with_links(session_read_problems(), 200, "end_session", session_id="items/0/id"),
)
async def get_sessions(
    user: CurrentUserDependency, connection: ConnectionDependency
) -> SessionList:
    """Your sessions: this one first, then the most recently seen; at most 100."""
    sessions = await list_sessions(connection, user)
    return SessionList(items=[SessionItem.of(session, user) for session in sessions])


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    responses=session_write_problems(NotFound, InvalidInput),
)
async def end_session(
    session_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    """End one of your sessions."""
    await account.end_session(connection, session_id, actor=user)
    return Response(status_code=204)
