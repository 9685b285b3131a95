"""Invitations: an e-mail that may register with a role, by a link that works once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import AlreadyInvited, InvitationExpired, InvitationGone
from expenses.history import record, record_all
from expenses.i18n.languages import current_language
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.settings import Settings
from expenses.users.identity import email_identity
from expenses.users.invitation_queries import Invitee, find_invitation, find_obstacles
from expenses.users.models import Actor, Role, invitation_table
from expenses.users.policy import ensure_can_invite, ensure_takes_passwords
from expenses.users.queries import UserView
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.registration import add_user

# What the mail with the link is called.
INVITATION_SENT = "invitation.sent"

LIFETIME = timedelta(days=7)
# An expired one is still listed for a while, so that it can be sent again.
KEPT = timedelta(days=30)


class SentInvitation(NamedTuple):
    """An invitation whose `secret`, which its link has, is shown this once and not stored."""

    id: int
    email: str
    role: Role
    expires_at: datetime
    secret: str


async def invite(
    connection: AsyncConnection, people: Sequence[Invitee], *, actor: Actor
) -> list[SentInvitation]:
    """Invite people of different e-mails: all of them, or nobody.

    Raises `Forbidden`, `AlreadyRegistered`, `AlreadyInvited`.
    """
    ensure_can_invite(actor)
    sent = await _add(connection, people, invited_by_id=actor.id)
    details = [{"invitation": one.id, "role": one.role} for one in sent]
    await record_all(connection, "invitation.created", details, actor_id=actor.id)
    await _announce(connection, sent, actor=actor)
    return sent


async def invite_from_server(connection: AsyncConnection, person: Invitee) -> SentInvitation:
    """Invite somebody for whoever has access to the server, who may be no user.

    So there is no event; that of the registration says where the invitation came from.
    """
    [sent] = await _add(connection, [person], invited_by_id=None)
    return sent


async def resend(
    connection: AsyncConnection, invitation_id: int, *, actor: Actor
) -> SentInvitation:
    """Send a new link, which works from now on in place of the old one. Raises `InvitationGone`."""
    ensure_can_invite(actor)
    ensure_possible(invitation_id)
    secret = new_token()
    renewed = await connection.execute(
        update(invitation_table)
        .where(invitation_table.c.id == invitation_id)
        .values(
            secret_hash=hash_token(secret), expires_at=func.now() + LIFETIME, invited_by_id=actor.id
        )
        .returning(*(invitation_table.c[name] for name in SentInvitation._fields[:-1]))
    )
    row = renewed.first()
    if row is None:
        raise InvitationGone()
    sent = SentInvitation(row.id, row.email, row.role, row.expires_at, secret)
    await record(
        connection, "invitation.resent", actor_id=actor.id, invitation=sent.id, role=sent.role
    )
    await _announce(connection, [sent], actor=actor)
    return sent


async def revoke(connection: AsyncConnection, invitation_id: int, *, actor: Actor) -> str:
    """Make the link useless, and return whose it was. Raises `InvitationGone`."""
    ensure_can_invite(actor)
    ensure_possible(invitation_id)
    deleted = await connection.execute(
        delete(invitation_table)
        .where(invitation_table.c.id == invitation_id)
        .returning(invitation_table.c.email, invitation_table.c.role)
    )
    row = deleted.first()
    if row is None:
        raise InvitationGone()
    await record(
        connection,
        "invitation.revoked",
        actor_id=actor.id,
        invitation=invitation_id,
        role=row.role,
    )
    return str(row.email)


async def accept_invitation(
    connection: AsyncConnection,
    secret: str,
    *,
    username: str,
    password_hash: str,
    settings: Settings,
) -> UserView:
    """Register by an invitation.

    Raises `InvitationExpired`, `EmailTaken`, `UsernameTaken`, `PasswordsOff`.
    """
    ensure_takes_passwords(settings)
    invitee = await find_invitation(connection, secret)
    # Of two who use the link at once, and of one whose invitation is revoked, the second finds it
    # gone.
    deleted = await connection.execute(
        delete(invitation_table)
        .where(invitation_table.c.secret_hash == hash_token(secret))
        .returning(invitation_table.c.id, invitation_table.c.invited_by_id)
    )
    row = deleted.first()
    if row is None:
        raise InvitationExpired()
    return await add_user(
        connection,
        email=invitee.email,
        password_hash=password_hash,
        username=username,
        role=invitee.role,
        invitation=row.id,
        invited_by=row.invited_by_id or "command line",
    )


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(invitation_table).where(invitation_table.c.expires_at < func.now() - KEPT)
    )


async def _add(
    connection: AsyncConnection, people: Sequence[Invitee], *, invited_by_id: int | None
) -> list[SentInvitation]:
    identities = {email_identity(person.email): person for person in people}
    for obstacle in (await find_obstacles(connection, people)).values():
        raise obstacle
    # An expired one gives way.
    await connection.execute(
        delete(invitation_table).where(
            invitation_table.c.email_identity.in_(identities),
            invitation_table.c.expires_at <= func.now(),
        )
    )
    secrets = {identity: new_token() for identity in identities}
    inserted = await connection.execute(
        insert(invitation_table)
        .values(
            [
                {
                    "email": person.email,
                    "email_identity": identity,
                    "role": person.role,
                    "secret_hash": hash_token(secrets[identity]),
                    "invited_by_id": invited_by_id,
                    "expires_at": func.now() + LIFETIME,
                }
                for identity, person in identities.items()
            ]
        )
        .on_conflict_do_nothing()
        .returning(
            invitation_table.c.email_identity, invitation_table.c.id, invitation_table.c.expires_at
        )
    )
    rows = {row.email_identity: row for row in inserted}
    for identity, person in identities.items():
        if identity not in rows:
            raise AlreadyInvited(email=person.email)
    return [
        SentInvitation(
            rows[identity].id,
            person.email,
            person.role,
            rows[identity].expires_at,
            secrets[identity],
        )
        for identity, person in identities.items()
    ]


async def _announce(
    connection: AsyncConnection, sent: Sequence[SentInvitation], *, actor: Actor
) -> None:
    """Mail the links, where mails are set up; in the language of whoever invites."""
    subjects = [
        Subject(
            None,
            facts={
                "to": one.email,
                "language": current_language(),
                "role": one.role,
                "expires_at": one.expires_at.isoformat(),
                "secret": one.secret,
            },
        )
        for one in sent
    ]
    await announce(connection, INVITATION_SENT, subjects, actor_id=actor.id, by=[Channel.MAIL])
