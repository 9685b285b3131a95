"""Hashing passwords, slowly on purpose and in threads of its own, and judging new ones."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from string import digits, punctuation

from passlib.context import CryptContext

from expenses.errors import InvalidInput
from expenses.i18n.text import N_, normal

MIN_LENGTH = 8
MAX_LENGTH = 200
# Words that anybody would try first at this site.
OUR_WORDS = frozenset({"contoso", "expenses", "contosoexpenses"})

# New hashes use the first scheme, at this cost. Others still work, and are replaced at log-in.
context = CryptContext(
    schemes=["bcrypt_sha256", "bcrypt", "pbkdf2_sha256"],
    deprecated="auto",
    bcrypt_sha256__rounds=12,
)
# bcrypt releases the interpreter lock: more threads than cores would only take turns.
_threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="password")


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(
        _threads, context.hash, normal(password)
    )


async def hash_new(password: str, *, email: str) -> str:
    """Raises `InvalidInput` for the field `new`."""
    try:
        ensure_acceptable(password, email=email)
    except InvalidInput as error:
        raise InvalidInput({"new": error.fields["password"]}) from None
    return await hash_password(password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Say whether they match; without a hash it takes just as long and says no."""
    stored = password_hash or _dummy_hash()
    matches = await _fits(normal(password), stored)
    if not matches and normal(password) != password:
        # Hashed as it was typed, before passwords were normalised.
        matches = await _fits(password, stored)
    return matches and password_hash is not None


async def upgraded_hash(password: str, password_hash: str) -> str | None:
    """Hash a matching password again where its hash is of an earlier scheme, cost or spelling."""
    is_normal = normal(password) == password or await _fits(normal(password), password_hash)
    if is_normal and not context.needs_update(password_hash):
        return None
    return await hash_password(password)


def ensure_acceptable(password: str, *, email: str) -> None:
    """Raises `InvalidInput` for the field `password`, with the way out."""
    password = normal(password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        problem = N_("Use 8 to 200 characters.")
    elif _is_a_decorated_word(_words_of(email) | OUR_WORDS, password):
        problem = N_("Choose something other than your e-mail or the name of this site.")
    elif password.lower() in _common_passwords():
        problem = N_("This is one of the most common passwords. Choose a rarer one.")
    else:
        return
    raise InvalidInput({"password": problem})


async def _fits(password: str, password_hash: str) -> bool:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _matches, password, password_hash)


def _matches(password: str, password_hash: str) -> bool:
    return bool(context.verify(password, password_hash))


@cache
def _dummy_hash() -> str:
    return str(context.hash(os.urandom(16).hex()))


def _is_a_decorated_word(words: frozenset[str], password: str) -> bool:
    """Say whether it is one of the words, with digits and signs around it at most."""
    return bool({password.lower(), password.lower().strip(digits + punctuation)} & words)


def _words_of(email: str) -> frozenset[str]:
    name, _, domain = email.lower().partition("@")
    return frozenset({email.lower(), name, domain, domain.partition(".")[0]})


@cache
def _common_passwords() -> frozenset[str]:
    """Load those of the library's 30,000 that are long enough to be chosen here."""
    # Imported where somebody chooses a password: its tables take 12 MB.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_LENGTH)
