"""Translates errors of the database and its driver into the product's."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from expenses.database.address import place_of
from expenses.errors import CannotStart, DatabaseUnavailable, TooBusy, connection_problem

# SQLSTATE: lock not available, deadlock, serialization failure, query cancelled (by a timeout).
_BUSY = {"55P03", "40P01", "40001", "57014"}
_TOO_MANY_CONNECTIONS = "53300"

# What to do where PostgreSQL only says what is wrong, by SQLSTATE.
_REMEDIES = {
    "28P01": "In the password in {variable}, @ is written %40, : is %3A and / is %2F.",
    "3D000": "Create it with CREATE DATABASE … ENCODING 'UTF8', or correct {variable}.",
    "42501": "Run `expenses grant ROLE` with the DATABASE_URL of the role that owns the tables.",
    _TOO_MANY_CONNECTIONS: "Close some, or raise the limit there.",
}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise `TooBusy` or `DatabaseUnavailable` where the database is busy or away."""
    try:
        yield
    except (PoolTimeout, TimeoutError) as error:
        raise TooBusy() from error
    except DBAPIError as error:
        if sqlstate(error) in _BUSY:
            raise TooBusy() from error
        if error.connection_invalidated or _is_unreachable(error):
            raise DatabaseUnavailable() from error
        raise
    except OSError as error:
        raise DatabaseUnavailable() from error


@contextmanager
def explained_problems(address: str, variable: str = "DATABASE_URL") -> Iterator[None]:
    """Raise `CannotStart` for a command, whose reader can correct the address."""
    try:
        yield
    except (DatabaseUnavailable, DBAPIError) as error:
        raise CannotStart(
            "The database at %(place)s (%(variable)s) cannot be used: %(problem)s",
            place=place_of(address),
            variable=variable,
            problem=_explanation(error, variable),
        ) from error


def sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _is_unreachable(error: DBAPIError) -> bool:
    """SQLSTATE classes 08 (connection) and 57P (shutting down, starting up), or too many."""
    state = sqlstate(error) or ""
    return state.startswith(("08", "57P")) or state == _TOO_MANY_CONNECTIONS


def _explanation(error: Exception, variable: str) -> str:
    """Repeat the server's own sentence, and add what to do about it."""
    if isinstance(error, DatabaseUnavailable) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, OSError) and "SSL upgrade" in str(error):
        return f"it does not offer TLS. Turn ssl on there, or take sslmode out of {variable}."
    if isinstance(error, OSError):
        return connection_problem(error)
    if not isinstance(error, DBAPIError):
        return str(error)
    sentence = " ".join(str(error.orig).split()).rstrip(".")
    remedy = _REMEDIES.get(sqlstate(error) or "", "Check {variable}.")
    return f"{sentence}. {remedy.format(variable=variable)}"
