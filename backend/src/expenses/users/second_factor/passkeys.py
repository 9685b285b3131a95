"""Adding, using and removing passkeys."""

from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import InvalidInput, LastPasskey, PasskeyRefused
from expenses.history import record
from expenses.i18n.text import N_
from expenses.settings import Settings
from expenses.users import locks
from expenses.users.models import Actor
from expenses.users.second_factor.challenges import new_challenge, take_challenge
from expenses.users.second_factor.models import Purpose, passkey_table
from expenses.users.second_factor.policy import must_have_second_factor
from expenses.users.second_factor.queries import (
    PasskeyView,
    count_factors,
    credential_ids,
    get_passkey,
)
from expenses.users.second_factor.recovery_codes import delete_codes, replace_codes
from expenses.users.second_factor.relying_party import (
    NewCredential,
    RelyingParty,
    StoredCredential,
)
from expenses.users.warnings import warn

# Far more than anybody has devices.
MAX_PASSKEYS = 20


class Question(NamedTuple):
    """What a browser is asked for, as JSON, and the challenge that is kept until it answers."""

    options: str
    challenge: str


async def ask_for_new(
    connection: AsyncConnection, user_id: int, email: str, username: str, *, site: RelyingParty
) -> Question:
    """Raises `InvalidInput` for the field `name` where the user has as many as one may have."""
    from expenses.users.second_factor import ceremonies

    known = await credential_ids(connection, user_id)
    if len(known) >= MAX_PASSKEYS:
        raise InvalidInput({"name": N_("These are as many as you can have. Remove one first.")})
    challenge = await new_challenge(connection, Purpose.ADD, user_id)
    options = ceremonies.creation_options(
        site, challenge, user_id=user_id, email=email, username=username, known=known
    )
    return Question(options, challenge)


async def check_new(
    database: Database, answer: str, challenge: str, *, user_id: int, site: RelyingParty
) -> NewCredential:
    """Check what a browser has made of `ask_for_new`. Raises `PasskeyRefused`."""
    from expenses.users.second_factor import ceremonies

    await take_challenge(database, challenge, Purpose.ADD, user_id)
    return ceremonies.verify_new(site, answer, challenge)


async def add_passkey(
    connection: AsyncConnection, new: NewCredential, name: str, *, user_id: int
) -> list[str]:
    """Store a passkey, and return recovery codes if it is the user's first.

    Raises `PasskeyRefused` for one that is known already.
    """
    added = await connection.execute(
        insert(passkey_table)
        .values(**new._asdict(), user_id=user_id, name=name)
        .on_conflict_do_nothing()
    )
    if not added.rowcount:
        raise PasskeyRefused()
    await _tell(connection, "user.passkey_added", user_id, name)
    factors = await count_factors(connection, user_id)
    return [] if factors.codes or factors.passkeys > 1 else await replace_codes(connection, user_id)


async def use_passkey(
    connection: AsyncConnection,
    answer: str,
    challenge: str,
    *,
    user_id: int,
    site: RelyingParty,
    verifies_user: bool,
) -> None:
    """Check that a user's passkey has signed the challenge. Raises `PasskeyRefused`."""
    from expenses.users.second_factor import ceremonies

    # Before the passkey's row, as whoever removes it does.
    await locks.share(connection, user_id)
    query = (
        select(*(passkey_table.c[name] for name in StoredCredential._fields))
        .where(
            passkey_table.c.credential_id == ceremonies.credential_id_of(answer),
            passkey_table.c.user_id == user_id,
        )
        .with_for_update()
    )
    row = (await connection.execute(query)).first()
    if row is None:
        raise PasskeyRefused()
    stored = StoredCredential._make(row)
    sign_count = ceremonies.verify(site, answer, challenge, stored, verifies_user=verifies_user)
    await connection.execute(
        update(passkey_table)
        .where(passkey_table.c.id == stored.id)
        .values(sign_count=sign_count, last_used_at=datetime.now(UTC))
    )


async def owner_of(connection: AsyncConnection, answer: str) -> int | None:
    """Find whose passkey has answered."""
    from expenses.users.second_factor import ceremonies

    owner: int | None = await connection.scalar(
        select(passkey_table.c.user_id).where(
            passkey_table.c.credential_id == ceremonies.credential_id_of(answer)
        )
    )
    return owner


async def remove_passkey(
    connection: AsyncConnection, passkey_id: int, *, actor: Actor, settings: Settings
) -> PasskeyView:
    """Remove one of the actor's, with the codes if it is the last.

    Raises `NotFound`, and `LastPasskey` where the company asks for a second factor. The caller has
    taken the actor's lock alone: of two who remove the last two, one waits.
    """
    passkey = await get_passkey(connection, passkey_id, actor=actor)
    is_last = (await count_factors(connection, actor.id)).passkeys == 1
    if is_last and must_have_second_factor(actor.role, settings):
        raise LastPasskey()
    await connection.execute(delete(passkey_table).where(passkey_table.c.id == passkey_id))
    if is_last:
        await delete_codes(connection, actor.id)
    await _tell(connection, "user.passkey_removed", actor.id, passkey.name)
    return passkey


async def _tell(connection: AsyncConnection, action: str, user_id: int, name: str) -> None:
    event_id = await record(connection, action, actor_id=user_id, user_id=user_id, passkey=name)
    await warn(connection, action, user_id, event_id, passkey=name)
