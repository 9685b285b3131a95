"""Hashing and judging passwords. Hashing is slow on purpose and runs in threads of its own."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice

from passlib.context import CryptContext
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from expenses.errors import InvalidInput
from expenses.text import N_

SHORTEST = 8
LONGEST = 200
COMMON = 3000

_context = CryptContext(schemes=["bcrypt_sha256"], bcrypt_sha256__rounds=12)
# bcrypt releases the interpreter lock: more threads than cores would only take turns.
_threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="password")


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, _context.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Whether they fit. Without a hash it takes just as long and says no."""
    loop = asyncio.get_running_loop()
    fits = await loop.run_in_executor(
        _threads, _fits, password, password_hash or _hash_of_nothing()
    )
    return fits and password_hash is not None


def ensure_acceptable(password: str, *, email: str) -> None:
    """Raises `InvalidInput` for the field `password`, with the way out."""
    if not SHORTEST <= len(password) <= LONGEST:
        problem = f"Use {SHORTEST} to {LONGEST} characters."
    elif password.lower() == email.lower():
        problem = N_("Use something other than the e-mail.")
    elif password.lower() in _common_passwords():
        problem = N_("This is one of the most common passwords. Use a rarer one.")
    else:
        return
    raise InvalidInput({"password": problem})


def _fits(password: str, password_hash: str) -> bool:
    return bool(_context.verify(password, password_hash))


@cache
def _hash_of_nothing() -> str:
    return str(_context.hash(os.urandom(16).hex()))


@cache
def _common_passwords() -> frozenset[str]:
    """The most common ones of those that are long enough to be chosen here at all."""
    long_enough = (word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST)
    return frozenset(islice(long_enough, COMMON))
