"""Payout details: where employees want their money. Encrypted in the database, shown masked."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import NotFound, PayoutUnreadable
from expenses.history import record
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.payments.models import payout_table
from expenses.payments.policy import ensure_can_be_paid
from expenses.settings import Settings
from expenses.tickets.filters import is_one_of
from expenses.users.models import Actor, user_table

if TYPE_CHECKING:
    from expenses.payments.encryption import Cipher


@dataclass(frozen=True, repr=False)
class PayoutDetails:
    """An IBAN, with a BIC or without, or an account number and its bank. It has no repr: logs."""

    holder: str
    iban: str | None
    bic: str | None
    account: str | None
    bank: str | None


class MaskedPayout(NamedTuple):
    """What people see of payout details: "DE89 •••• 3000"."""

    masked: str
    changed_at: datetime


def masked(details: PayoutDetails) -> str:
    if details.iban is not None:
        return f"{details.iban[:4]} •••• {details.iban[-4:]}"
    account = details.account or ""
    return f"•••• {account[-4:] if len(account) > 8 else account[-2:]}"


async def get_payout(connection: AsyncConnection, *, actor: Actor) -> MaskedPayout | None:
    """Raises `Forbidden` for an employer."""
    ensure_can_be_paid(actor)
    columns = (payout_table.c[name] for name in MaskedPayout._fields)
    query = select(*columns).where(payout_table.c.user_id == actor.id)
    row = (await connection.execute(query)).first()
    return None if row is None else MaskedPayout._make(row)


async def payout_details_of(
    connection: AsyncConnection, user_ids: Sequence[int], settings: Settings
) -> dict[int, PayoutDetails]:
    """Decrypt the details of those who have some, for a bank file alone.

    Raises `PayoutUnreadable`, which names the people.
    """
    # Imported where something is encrypted or decrypted: the library takes 8 MB.
    from expenses.payments.encryption import Cipher, Unreadable

    cipher = Cipher(settings)
    rows = await connection.execute(
        select(payout_table.c.user_id, payout_table.c.encrypted, user_table.c.username)
        .join(user_table, user_table.c.id == payout_table.c.user_id)
        .where(is_one_of(payout_table.c.user_id, user_ids))
        .order_by(payout_table.c.user_id)
    )
    found, unreadable = {}, []
    for user_id, encrypted, username in rows:
        try:
            found[user_id] = PayoutDetails(**cipher.decrypt(user_id, encrypted))
        except Unreadable:
            unreadable.append(username)
    if unreadable:
        raise PayoutUnreadable(names=", ".join(unreadable))
    return found


async def set_payout(
    connection: AsyncConnection, details: PayoutDetails, *, actor: Actor, settings: Settings
) -> MaskedPayout:
    """Store the actor's details. The same again is no event. Raises `Forbidden`."""
    from expenses.payments.encryption import Cipher

    ensure_can_be_paid(actor)
    cipher = Cipher(settings)
    values = asdict(details)
    if await _stored(connection, cipher, actor) != values:
        new = insert(payout_table).values(
            user_id=actor.id,
            encrypted=cipher.encrypt(actor.id, values),
            masked=masked(details),
            changed_at=func.now(),
        )
        changed = {name: new.excluded[name] for name in ("encrypted", "masked", "changed_at")}
        await connection.execute(
            new.on_conflict_do_update(index_elements=[payout_table.c.user_id], set_=changed)
        )
        await _tell(connection, "user.payout_changed", masked(details), actor=actor)
    stored = await get_payout(connection, actor=actor)
    assert stored is not None
    return stored


async def remove_payout(connection: AsyncConnection, *, actor: Actor) -> None:
    """Raises `Forbidden`, and `NotFound` where there are none."""
    ensure_can_be_paid(actor)
    removed = await connection.scalar(
        delete(payout_table)
        .where(payout_table.c.user_id == actor.id)
        .returning(payout_table.c.masked)
    )
    if removed is None:
        raise NotFound()
    await _tell(connection, "user.payout_removed", removed, actor=actor)


async def _stored(
    connection: AsyncConnection, cipher: "Cipher", actor: Actor
) -> dict[str, Any] | None:
    from expenses.payments.encryption import Unreadable

    encrypted = await connection.scalar(
        select(payout_table.c.encrypted).where(payout_table.c.user_id == actor.id).with_for_update()
    )
    try:
        return None if encrypted is None else cipher.decrypt(actor.id, encrypted)
    except Unreadable:
        return None


async def _tell(connection: AsyncConnection, action: str, masked: str, *, actor: Actor) -> None:
    """Record the change, and mail the owner, who may not be the one who made it."""
    event_id = await record(connection, action, actor_id=actor.id, user_id=actor.id, payout=masked)
    mail = Subject(actor.id, event_id, facts={"payout": masked})
    await announce(connection, action, [mail], actor_id=actor.id, by=[Channel.MAIL])
