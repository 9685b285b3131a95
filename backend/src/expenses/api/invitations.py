"""Invitations, for employers: who is invited, inviting people, and taking that back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from expenses.api.schemas import Request
from expenses.errors import (
    AlreadyInvited,
    AlreadyRegistered,
    Forbidden,
    InvalidInput,
    InvitationGone,
)
from expenses.notifications.links import invitation_link
from expenses.settings import Settings
from expenses.users import invitation_queries, invitations
from expenses.users.invitation_queries import InvitationView, Invitee
from expenses.users.invitations import SentInvitation
from expenses.users.models import Role
from expenses.users.schemas import Email
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    SettingsDependency,
)
from expenses.web.openapi import read_problems, session_write_problems, with_links
from expenses.web.pagination import Cursor, decode_cursor, encode_cursor
from expenses.web.scopes import ReaderDependency

router = APIRouter(prefix="/api/invitations", tags=["invitations"])

OPERATIONS = ("resend_invitation", "revoke_invitation")

Limit = Annotated[int, Query(ge=1, le=100)]


class NewInvitation(Request):
    email: Email
    role: Role


class InvitationAnswer(BaseModel):
    """`valid` is whether its link works: it does not once it is too old, or its sender left."""

    id: int
    email: str
    role: Role
    invited_by: str | None
    created_at: datetime
    expires_at: datetime
    valid: bool

    @classmethod
    def of(cls, invitation: InvitationView) -> "InvitationAnswer":
        fields = invitation._asdict()
        return cls(valid=fields.pop("is_valid"), **fields)


class InvitationList(BaseModel):
    """`next` is the cursor of the page after this one; null at the end."""

    items: list[InvitationAnswer]
    next: str | None


class SentAnswer(BaseModel):
    """`link` is for you to hand over, shown this once; null where it was sent by e-mail."""

    id: int
    email: str
    role: Role
    expires_at: datetime
    link: str | None = Field(examples=["https://expenses.contoso.example/invited?token=…"])

    @classmethod
    def of(cls, sent: SentInvitation, settings: Settings) -> "SentAnswer":
        fields = sent._asdict()
        link = invitation_link(fields.pop("secret"), settings)
        return cls(link=None if settings.smtp_url else link, **fields)


@router.get("", responses=read_problems(Forbidden, InvalidInput))
async def list_invitations(
    user: ReaderDependency,
    connection: ConnectionDependency,
    limit: Limit = 20,
    cursor: Cursor | None = None,
) -> InvitationList:
    """The invitations that were not used yet, the newest first."""
    page = await invitation_queries.list_invitations(
        connection, actor=user, before=decode_cursor(cursor), limit=limit
    )
    items = [InvitationAnswer.of(invitation) for invitation in page.items]
    return InvitationList(items=items, next=encode_cursor(page.next_before))


@router.post(
    "",
    status_code=201,
    responses=with_links(
        session_write_problems(Forbidden, AlreadyRegistered, AlreadyInvited, InvalidInput),
        201,
        *OPERATIONS,
        invitation_id="id",
    ),
)
async def create_invitation(
    body: NewInvitation,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> SentAnswer:
    """Invite somebody to register with this e-mail and role, within seven days."""
    [sent] = await invitations.invite(connection, [Invitee(body.email, body.role)], actor=user)
    return SentAnswer.of(sent, settings)


@router.post(
    "/{invitation_id}/resend",
    responses=session_write_problems(Forbidden, InvitationGone, InvalidInput),
)
async def resend_invitation(
    invitation_id: int,
    user: CurrentUserDependency,
    connection: ConnectionDependency,
    settings: SettingsDependency,
) -> SentAnswer:
    """Send a new link, for another seven days; the one before does not work any more."""
    return SentAnswer.of(await invitations.resend(connection, invitation_id, actor=user), settings)


@router.delete(
    "/{invitation_id}",
    status_code=204,
    responses=session_write_problems(Forbidden, InvitationGone, InvalidInput),
)
async def revoke_invitation(
    invitation_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    """Take an invitation back: its link does not work any more."""
    await invitations.revoke(connection, invitation_id, actor=user)
    return Response(status_code=204)
