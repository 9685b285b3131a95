"""Reads of invitations."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.errors import AlreadyInvited, AlreadyRegistered, Conflict, InvitationExpired
from expenses.users.identity import email_identity
from expenses.users.models import Actor, Role, invitation_table, user_table
from expenses.users.policy import ensure_can_invite
from expenses.users.random_tokens import hash_token


class Invitee(NamedTuple):
    email: str
    role: Role


class InvitationView(NamedTuple):
    """An invitation that was not used; `invited_by` is None for one from the command line."""

    id: int
    email: str
    role: Role
    invited_by: str | None
    created_at: datetime
    expires_at: datetime
    is_valid: bool


class InvitationPage(NamedTuple):
    """Newest first. `next_before` is the id to go on from, or None at the end."""

    items: Sequence[InvitationView]
    next_before: int | None


async def list_invitations(
    connection: AsyncConnection, *, actor: Actor, before: int | None = None, limit: int
) -> InvitationPage:
    """List the invitations that were not used, newest first."""
    ensure_can_invite(actor)
    query = (
        select(
            invitation_table.c.id,
            invitation_table.c.email,
            invitation_table.c.role,
            user_table.c.username,
            invitation_table.c.created_at,
            invitation_table.c.expires_at,
            _is_valid(),
        )
        .outerjoin(user_table, user_table.c.id == invitation_table.c.invited_by_id)
        .order_by(invitation_table.c.id.desc())
        .limit(constant(limit + 1))
    )
    if before is not None:
        query = query.where(invitation_table.c.id < before)
    items = [InvitationView._make(row) for row in await connection.execute(query)]
    return InvitationPage(items[:limit], items[limit - 1].id if len(items) > limit else None)


async def find_invitation(connection: AsyncConnection, secret: str) -> Invitee:
    """Raises `InvitationExpired`, also where whoever has sent it is no active employer now."""
    row = (
        await connection.execute(
            select(invitation_table.c.email, invitation_table.c.role)
            .outerjoin(user_table, user_table.c.id == invitation_table.c.invited_by_id)
            .where(invitation_table.c.secret_hash == hash_token(secret), _is_valid())
        )
    ).first()
    if row is None:
        raise InvitationExpired()
    return Invitee._make(row)


async def invited_role(connection: AsyncConnection, email: str) -> Role | None:
    """Return the role of an open invitation to exactly this e-mail, whatever the case.

    One that is only spelled like it may be another person's mailbox.
    """
    role: Role | None = await connection.scalar(
        select(invitation_table.c.role)
        .outerjoin(user_table, user_table.c.id == invitation_table.c.invited_by_id)
        .where(
            invitation_table.c.email_identity == email_identity(email),
            func.lower(invitation_table.c.email) == func.lower(email),
            _is_valid(),
        )
    )
    return role


async def find_obstacles(
    connection: AsyncConnection, people: Sequence[Invitee]
) -> dict[str, Conflict]:
    """Return, by e-mail, why somebody cannot be invited: they are a user, or are invited."""
    identities = {person.email: email_identity(person.email) for person in people}
    lowered = [email.lower() for email in identities]
    registered = await connection.scalars(
        select(user_table.c.email).where(
            or_(
                user_table.c.email_identity.in_(identities.values()),
                func.lower(user_table.c.email).in_(lowered),
            )
        )
    )
    users = {email_identity(email) for email in registered}
    invited = set(
        await connection.scalars(
            select(invitation_table.c.email_identity).where(
                invitation_table.c.email_identity.in_(identities.values()),
                invitation_table.c.expires_at > func.now(),
            )
        )
    )
    found: dict[str, Conflict] = {}
    for email, identity in identities.items():
        if identity in users:
            found[email] = AlreadyRegistered(email=email)
        elif identity in invited:
            found[email] = AlreadyInvited(email=email)
    return found


def _is_valid() -> ColumnElement[bool]:
    """Whether an invitation joined to the user who sent it still lets somebody in."""
    is_active = (user_table.c.role == Role.EMPLOYER) & user_table.c.suspended_at.is_(None)
    from_server = invitation_table.c.invited_by_id.is_(None)
    return (invitation_table.c.expires_at > func.now()) & or_(from_server, is_active)
