"""Tokens for programs: a user makes one for some scopes, and it ends with the user's access."""

import secrets
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeGuard

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import InsufficientScope, NotFound, NotLoggedIn, TooManyTokens
from expenses.history import record
from expenses.users import locks
from expenses.users.models import Actor, Role, Scope, token_table, user_table
from expenses.users.policy import ensure_can_grant
from expenses.users.random_tokens import hash_token
from expenses.users.schemas import NewToken
from expenses.users.sessions import LAST_SEEN_PRECISION
from expenses.users.warnings import warn

PREFIX = "exp_"
CHECKSUM = 8
# Of a user, with those that have expired.
MOST_TOKENS = 50
# So that whoever wonders why a program has stopped finds out.
SHOWN_AFTER_EXPIRY = timedelta(days=30)

_USER = ("id", "email", "username", "role", "suspended_at", "created_at", "gets_mails")
# Built once, since it is sent for every request with a token.
_BY_TOKEN = (
    select(
        *(user_table.c[name] for name in _USER),
        token_table.c.id,
        token_table.c.scopes,
        token_table.c.last_used_at,
    )
    .join(token_table, token_table.c.user_id == user_table.c.id)
    .where(
        token_table.c.token_hash == bindparam("token_hash"),
        token_table.c.expires_at > func.now(),
        user_table.c.suspended_at.is_(None),
    )
)


class TokenUser(NamedTuple):
    """The user that a token belongs to, and what it may do in their name."""

    id: int
    email: str
    username: str
    role: Role
    suspended_at: datetime | None
    created_at: datetime
    gets_mails: bool
    token_id: int
    scopes: list[str]
    last_used_at: datetime | None


class TokenView(NamedTuple):
    id: int
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


_VIEW = tuple(token_table.c[name] for name in TokenView._fields)


def is_token(text: str | None) -> TypeGuard[str]:
    """Say whether a text looks like a token of `create_token`, whoever's it is."""
    return text is not None and text.startswith(PREFIX) and text == _with_checksum(text[:-CHECKSUM])


async def create_token(
    connection: AsyncConnection, new: NewToken, *, actor: Actor
) -> tuple[TokenView, str]:
    """Make a token, and return it too: only its hash is kept. Its password is checked already.

    Raises `InvalidInput` for a scope beyond the actor's role, and `TooManyTokens`.
    """
    ensure_can_grant(new.scopes, actor=actor)
    if await _count(connection, actor.id) >= MOST_TOKENS:
        raise TooManyTokens(number=MOST_TOKENS)
    token = _with_checksum(PREFIX + secrets.token_hex(32))
    inserted = await connection.execute(
        insert(token_table)
        .values(
            token_hash=hash_token(token),
            user_id=actor.id,
            name=new.name,
            scopes=[scope.value for scope in Scope if scope in new.scopes],
            expires_at=datetime.now(UTC) + timedelta(days=new.days),
        )
        .returning(*_VIEW)
    )
    made = TokenView._make(inserted.one())
    event_id = await record(
        connection,
        "token.created",
        actor_id=actor.id,
        user_id=actor.id,
        # Not its name, which may say what is erased with its user.
        token_id=made.id,
        scopes=made.scopes,
        expires_at=made.expires_at.isoformat(),
    )
    await warn(connection, "token.created", actor.id, event_id, name=made.name)
    return made, token


async def list_tokens(connection: AsyncConnection, *, actor: Actor) -> list[TokenView]:
    """List the actor's tokens, newest first; for a while also those that have expired."""
    query = select(*_VIEW).where(token_table.c.user_id == actor.id)
    rows = await connection.execute(query.order_by(token_table.c.id.desc()))
    return [TokenView._make(row) for row in rows]


async def revoke_token(connection: AsyncConnection, token_id: int, *, actor: Actor) -> TokenView:
    """End one of the actor's tokens. Raises `NotFound` for another user's."""
    ensure_possible(token_id)
    deleted = await connection.execute(
        delete(token_table)
        .where(token_table.c.id == token_id, token_table.c.user_id == actor.id)
        .returning(*_VIEW)
    )
    row = deleted.first()
    if row is None:
        raise NotFound()
    revoked = TokenView._make(row)
    await record(
        connection,
        "token.revoked",
        actor_id=actor.id,
        user_id=actor.id,
        token_id=revoked.id,
        scopes=revoked.scopes,
    )
    return revoked


async def revoke_all(connection: AsyncConnection, user_id: int) -> dict[str, int]:
    """End every token of a user; return how many as a detail for the event of what ended them."""
    deleted = await connection.execute(delete(token_table).where(token_table.c.user_id == user_id))
    return {"tokens_revoked": deleted.rowcount} if deleted.rowcount else {}


async def authenticate(connection: AsyncConnection, token: str, *, lock: bool) -> TokenUser:
    """Find out whose token it is. Raises `NotLoggedIn`; `lock` is that of sessions."""
    token_hash = hash_token(token)
    if lock:
        await locks.share_by_token(connection, token_hash)
    row = (await connection.execute(_BY_TOKEN, {"token_hash": token_hash})).first()
    if row is None:
        raise NotLoggedIn()
    user = TokenUser._make(row)
    await _touch(connection, user)
    return user


def ensure_in_scope(user: TokenUser, scopes: Iterable[str]) -> None:
    """Raises `InsufficientScope`."""
    for scope in scopes:
        if scope not in user.scopes:
            raise InsufficientScope(scope)


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(token_table).where(token_table.c.expires_at < func.now() - SHOWN_AFTER_EXPIRY)
    )


def _with_checksum(text: str) -> str:
    """Add what tells a token from any other text, so that a scanner need not ask anybody."""
    return f"{text}{zlib.crc32(text.encode('utf-8', 'surrogatepass')):0{CHECKSUM}x}"


async def _count(connection: AsyncConnection, user_id: int) -> int:
    query = select(func.count()).where(token_table.c.user_id == user_id)
    return (await connection.execute(query)).scalar_one()


async def _touch(connection: AsyncConnection, user: TokenUser) -> None:
    now = datetime.now(UTC)
    if user.last_used_at is None or now - user.last_used_at > LAST_SEEN_PRECISION:
        await connection.execute(
            update(token_table).where(token_table.c.id == user.token_id).values(last_used_at=now)
        )
