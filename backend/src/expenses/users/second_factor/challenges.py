"""The random numbers that passkeys sign. Each is answered once, within five minutes."""

from datetime import timedelta

from sqlalchemy import delete, func, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import PasskeyRefused
from expenses.users.random_tokens import hash_token, new_token
from expenses.users.second_factor.models import Purpose, challenge_table

LIFETIME = timedelta(minutes=5)


async def new_challenge(connection: AsyncConnection, purpose: Purpose, user_id: int | None) -> str:
    challenge = new_token()
    await connection.execute(
        insert(challenge_table).values(
            challenge_hash=hash_token(challenge),
            purpose=purpose,
            user_id=user_id,
            expires_at=func.now() + LIFETIME,
        )
    )
    return challenge


async def take_challenge(
    database: Database, challenge: str, purpose: Purpose, user_id: int | None
) -> None:
    """Use a challenge up. Raises `PasskeyRefused` for one of another purpose or user.

    In a transaction of its own: it is used up whatever the answer is worth.
    """
    async with database.transaction() as connection:
        taken = await connection.execute(
            delete(challenge_table).where(
                challenge_table.c.challenge_hash == hash_token(challenge),
                challenge_table.c.purpose == purpose,
                challenge_table.c.user_id.is_not_distinct_from(user_id),
                challenge_table.c.expires_at > func.now(),
            )
        )
    if not taken.rowcount:
        raise PasskeyRefused()


async def delete_expired(connection: AsyncConnection) -> None:
    await connection.execute(
        delete(challenge_table).where(challenge_table.c.expires_at < func.now())
    )
