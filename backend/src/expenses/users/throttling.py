"""Limits on attempts: log-ins, registrations, old passwords, uploads.

Attempts are rows, so that every process counts them together, and count before they are made;
a correct one is taken back. A window ends by itself, and a browser in which the user has logged
in before is counted separately, so that others cannot lock the user out.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import NamedTuple

from sqlalchemy import case, delete, func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import TooManyAttempts
from expenses.settings import Settings
from expenses.users.identity import email_identity
from expenses.users.models import attempts_table

QUARTER_OF_AN_HOUR = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Device(NamedTuple):
    """A browser in which a user has logged in, as its signed cookie says."""

    user_id: int
    name: str


class Caller(NamedTuple):
    """Who sends a request, before they are known.

    `client` is what the browser or program calls itself, `language` the one it asks for.
    `is_program` is said of whoever uses the API.
    """

    address: str
    client: str | None = None
    device: Device | None = None
    language: str | None = None
    is_program: bool = False


class Limit(NamedTuple):
    """At most `most` attempts of a kind by a `subject` in each window; one may weigh more."""

    kind: str
    subject: str
    most: int
    window: timedelta
    weight: int = 1

    @property
    def key(self) -> bytes:
        """Hash the subject: addresses and e-mails are not stored in a readable form."""
        return hashlib.sha256(f"{self.kind}\0{self.subject}".encode()).digest()


def login_limits(
    caller: Caller, email: str, user_id: int | None, settings: Settings
) -> list[Limit]:
    """`user_id` is None where nobody has this e-mail."""
    device = caller.device
    if device is not None and device.user_id == user_id:
        return [Limit("device", device.name, settings.login_attempts, QUARTER_OF_AN_HOUR)]
    return [
        Limit("login", email_identity(email), settings.login_attempts, QUARTER_OF_AN_HOUR),
        Limit("address", caller.address, settings.address_attempts, QUARTER_OF_AN_HOUR),
    ]


def sign_in_limits(caller: Caller, settings: Settings) -> list[Limit]:
    """Limit failed single sign-ons; they count as failed log-ins from the same address."""
    return [Limit("address", caller.address, settings.address_attempts, QUARTER_OF_AN_HOUR)]


def registration_limits(caller: Caller, settings: Settings) -> list[Limit]:
    return [Limit("registration", caller.address, settings.address_registrations, HOUR)]


def confirmation_limits(caller: Caller, email: str, settings: Settings) -> list[Limit]:
    identity = email_identity(email)
    return [
        Limit("confirmation", identity, settings.login_attempts, HOUR),
        *registration_limits(caller, settings),
    ]


def password_limits(user_id: int, settings: Settings) -> list[Limit]:
    """Limit typing the old password before a new one."""
    return [Limit("password", str(user_id), settings.login_attempts, QUARTER_OF_AN_HOUR)]


def reset_limits(caller: Caller, email: str, settings: Settings) -> list[Limit]:
    """Limit the links for a forgotten password that are asked for."""
    return [
        Limit("reset", email_identity(email), settings.login_attempts, QUARTER_OF_AN_HOUR),
        Limit("reset-address", caller.address, settings.address_attempts, QUARTER_OF_AN_HOUR),
    ]


def email_change_limits(user_id: int, email: str, settings: Settings) -> list[Limit]:
    """Limit the links for a new e-mail that are asked for."""
    return [
        Limit("email", email_identity(email), settings.login_attempts, QUARTER_OF_AN_HOUR),
        Limit("email-by", str(user_id), settings.login_attempts, QUARTER_OF_AN_HOUR),
    ]


def passkey_limits(caller: Caller, settings: Settings) -> list[Limit]:
    """Limit the questions for a passkey instead of a password."""
    return [Limit("passkey", caller.address, settings.address_attempts, QUARTER_OF_AN_HOUR)]


def recovery_code_limits(user_id: int, settings: Settings) -> list[Limit]:
    return [Limit("recovery-code", str(user_id), settings.login_attempts, QUARTER_OF_AN_HOUR)]


def upload_limits(user_id: int, size: int, settings: Settings) -> list[Limit]:
    """Limit what a user may fill the storage with; `size` is in bytes."""
    kilobytes = -(-size // 1000)
    return [Limit("upload", str(user_id), settings.upload_megabytes * 1000, DAY, kilobytes)]


async def count_attempt(database: Database, limits: Sequence[Limit]) -> None:
    """Raises `TooManyAttempts` where one of the limits is reached."""
    by_key = {limit.key: limit for limit in limits}
    # Said by this clock and not by the database's: a sharded one takes no now() in DO UPDATE.
    now = datetime.now(UTC)
    # In one order, so that two who count the same ones never wait for each other in a circle.
    one_more = insert(attempts_table).values(
        [
            {"key": key, "number": limit.weight, "forgotten_at": now + limit.window}
            for key, limit in sorted(by_key.items())
        ]
    )
    is_over = attempts_table.c.forgotten_at <= now
    one_more = one_more.on_conflict_do_update(
        index_elements=[attempts_table.c.key],
        set_={
            "number": case(
                (is_over, one_more.excluded.number),
                else_=attempts_table.c.number + one_more.excluded.number,
            ),
            "forgotten_at": case(
                (is_over, one_more.excluded.forgotten_at), else_=attempts_table.c.forgotten_at
            ),
        },
    )
    async with database.transaction() as connection:
        counted = await connection.execute(
            one_more.returning(
                attempts_table.c.key, attempts_table.c.number, attempts_table.c.forgotten_at
            )
        )
        waits = [end - now for key, number, end in counted if number > by_key[key].most]
    if waits:
        raise TooManyAttempts(ceil(max(waits).total_seconds()))


async def uncount_attempt(connection: AsyncConnection, limits: Sequence[Limit]) -> None:
    """Uncount an attempt that was correct."""
    await connection.execute(
        update(attempts_table)
        .where(
            attempts_table.c.key.in_(sorted(limit.key for limit in limits)),
            attempts_table.c.number > 0,
        )
        .values(number=attempts_table.c.number - 1)
    )


async def forget_attempts(connection: AsyncConnection, user_id: int, email: str) -> None:
    """Delete what was counted for a user who is erased."""
    subjects = dict.fromkeys(("login", "reset", "email"), email_identity(email))
    subjects |= dict.fromkeys(("password", "recovery-code", "email-by", "upload"), str(user_id))
    keys = [Limit(kind, subject, 0, DAY).key for kind, subject in subjects.items()]
    await connection.execute(delete(attempts_table).where(attempts_table.c.key.in_(keys)))


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(attempts_table).where(attempts_table.c.forgotten_at < func.now())
    )
