"""Logging in with a passkey: after the password, or instead of it."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import LogInExpired, PasskeyRefused
from expenses.settings import Settings
from expenses.users import locks
from expenses.users.policy import ensure_takes_passwords
from expenses.users.second_factor.challenges import new_challenge, take_challenge
from expenses.users.second_factor.models import Purpose
from expenses.users.second_factor.passkeys import (
    Question,
    add_passkey,
    ask_for_new,
    check_new,
    owner_of,
    use_passkey,
)
from expenses.users.second_factor.pending import (
    PendingUser,
    begin_second_step,
    end_pending,
    find_pending,
    takes_second_step,
)
from expenses.users.second_factor.queries import credential_ids
from expenses.users.second_factor.recovery_codes import use_code
from expenses.users.second_factor.relying_party import RelyingParty
from expenses.users.sessions import NewSession, logged, start_session
from expenses.users.throttling import (
    Caller,
    count_attempt,
    passkey_limits,
    recovery_code_limits,
    uncount_attempt,
)


class Enrolled(NamedTuple):
    """A session that began with a first passkey, and the recovery codes to show."""

    session: NewSession
    codes: list[str]


async def log_in_registered(
    connection: AsyncConnection, user_id: int, *, caller: Caller, settings: Settings
) -> NewSession | str:
    """Start the first session of a user, or return the token of a log-in that takes another step.

    Raises `Suspended`.
    """
    if await takes_second_step(connection, user_id, settings=settings):
        return await begin_second_step(connection, user_id)
    return await start_session(
        connection, user_id, caller=caller, settings=settings, is_registering=True
    )


async def ask_instead_of_password(
    database: Database, *, site: RelyingParty, caller: Caller, settings: Settings
) -> Question:
    """Ask for a passkey that says itself whose it is. Raises `TooManyAttempts`, `PasswordsOff`."""
    from expenses.users.second_factor import ceremonies

    ensure_takes_passwords(settings)
    await count_attempt(database, passkey_limits(caller, settings))
    async with database.transaction() as connection:
        challenge = await new_challenge(connection, Purpose.LOG_IN, None)
    return Question(ceremonies.request_options(site, challenge), challenge)


async def log_in_with_passkey(
    database: Database,
    answer: str,
    challenge: str,
    *,
    site: RelyingParty,
    caller: Caller,
    settings: Settings,
) -> NewSession:
    """Log in without a password: the device has to verify its user.

    Raises `PasskeyRefused`, `Suspended`, and `PasswordsOff` where single sign-on alone is wanted.
    """
    ensure_takes_passwords(settings)
    async with database.reading() as connection:
        user_id = await owner_of(connection, answer)
    with logged(user_id):
        await take_challenge(database, challenge, Purpose.LOG_IN, None)
        if user_id is None:
            raise PasskeyRefused()
        async with database.transaction() as connection:
            await use_passkey(
                connection, answer, challenge, user_id=user_id, site=site, verifies_user=True
            )
            return await start_session(connection, user_id, caller=caller, settings=settings)


async def ask_for_second_step(
    connection: AsyncConnection, token: str | None, *, site: RelyingParty
) -> Question:
    """Ask for one of the user's passkeys, or for their first. Raises `LogInExpired`."""
    from expenses.users.second_factor import ceremonies

    pending = await find_pending(connection, token)
    if not pending.has_passkeys:
        return await ask_for_new(
            connection, pending.user_id, pending.email, pending.username, site=site
        )
    challenge = await new_challenge(connection, Purpose.SECOND_STEP, pending.user_id)
    known = await credential_ids(connection, pending.user_id)
    return Question(ceremonies.request_options(site, challenge, known), challenge)


async def finish_with_passkey(
    database: Database,
    token: str | None,
    answer: str,
    challenge: str,
    *,
    site: RelyingParty,
    caller: Caller,
    settings: Settings,
) -> NewSession:
    """Raises `LogInExpired`, `PasskeyRefused`, `Suspended`, `WrongPassword`."""
    async with database.reading() as connection:
        pending = await find_pending(connection, token)
    with logged(pending.user_id):
        await take_challenge(database, challenge, Purpose.SECOND_STEP, pending.user_id)
        async with database.transaction() as connection:
            await use_passkey(
                connection,
                answer,
                challenge,
                user_id=pending.user_id,
                site=site,
                verifies_user=False,
            )
            return await _finish(connection, token, pending, caller, settings)


async def finish_with_code(
    database: Database, token: str | None, code: str, *, caller: Caller, settings: Settings
) -> tuple[NewSession, int]:
    """Return the session, and how many codes are left.

    Raises `InvalidInput` for the field `code`, `TooManyAttempts`, and as `finish_with_passkey`.
    """
    async with database.reading() as connection:
        pending = await find_pending(connection, token)
    limits = recovery_code_limits(pending.user_id, settings)
    with logged(pending.user_id):
        await count_attempt(database, limits)
        async with database.transaction() as connection:
            await locks.share(connection, pending.user_id)
            left = await use_code(connection, code, pending.user_id)
            await uncount_attempt(connection, limits)
            return await _finish(connection, token, pending, caller, settings), left


async def finish_by_enrolling(
    database: Database,
    token: str | None,
    answer: str,
    challenge: str,
    name: str,
    *,
    site: RelyingParty,
    caller: Caller,
    settings: Settings,
) -> Enrolled:
    """Add the first passkey of a user who has to have one. Raises as `finish_with_passkey`."""
    async with database.reading() as connection:
        pending = await find_pending(connection, token)
    with logged(pending.user_id):
        new = await check_new(database, answer, challenge, user_id=pending.user_id, site=site)
        async with database.transaction() as connection:
            await locks.take_alone(connection, pending.user_id)
            # Whoever has a passkey by now shows that one: the password alone adds no other.
            if (await find_pending(connection, token)).has_passkeys:
                raise LogInExpired()
            codes = await add_passkey(connection, new, name, user_id=pending.user_id)
            return Enrolled(await _finish(connection, token, pending, caller, settings), codes)


async def _finish(
    connection: AsyncConnection,
    token: str | None,
    pending: PendingUser,
    caller: Caller,
    settings: Settings,
) -> NewSession:
    await end_pending(connection, token)
    return await start_session(
        connection,
        pending.user_id,
        caller=caller,
        settings=settings,
        verified_hash=pending.password_hash,
    )
