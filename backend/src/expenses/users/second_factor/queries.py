"""Reads of passkeys and recovery codes."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import ensure_possible
from expenses.errors import NotFound
from expenses.users.models import Actor
from expenses.users.second_factor.models import passkey_table, recovery_code_table


class PasskeyView(NamedTuple):
    """A passkey as its owner sees it."""

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


class Factors(NamedTuple):
    """How many passkeys and unused recovery codes a user has."""

    passkeys: int
    codes: int


_VIEW = tuple(passkey_table.c[name] for name in PasskeyView._fields)


async def list_passkeys(connection: AsyncConnection, *, actor: Actor) -> list[PasskeyView]:
    """List the actor's own, oldest first."""
    query = select(*_VIEW).where(passkey_table.c.user_id == actor.id).order_by(passkey_table.c.id)
    return [PasskeyView._make(row) for row in await connection.execute(query)]


async def get_passkey(connection: AsyncConnection, passkey_id: int, *, actor: Actor) -> PasskeyView:
    """Raises `NotFound` for another user's."""
    ensure_possible(passkey_id)
    query = select(*_VIEW).where(
        passkey_table.c.id == passkey_id, passkey_table.c.user_id == actor.id
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFound()
    return PasskeyView._make(row)


async def count_factors(connection: AsyncConnection, user_id: int) -> Factors:
    counts = (
        select(func.count()).select_from(table).where(table.c.user_id == user_id).scalar_subquery()
        for table in (passkey_table, recovery_code_table)
    )
    return Factors._make((await connection.execute(select(*counts))).one())


async def credential_ids(connection: AsyncConnection, user_id: int) -> list[bytes]:
    """List what a browser is to look for among its passkeys."""
    query = select(passkey_table.c.credential_id).where(passkey_table.c.user_id == user_id)
    return list(await connection.scalars(query))
