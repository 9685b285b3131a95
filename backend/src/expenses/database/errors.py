"""Translates errors of the database and its driver into the product's."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from expenses.errors import CannotStart, DatabaseUnavailable, TooBusy

# SQLSTATE: lock not available, deadlock, serialization failure, query cancelled (by a timeout).
_BUSY = {"55P03", "40P01", "40001", "57014"}
_TOO_MANY_CONNECTIONS = "53300"


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
def explained_problems() -> Iterator[None]:
    """Raise `CannotStart` for a command, whose reader can correct the address."""
    try:
        yield
    except (DatabaseUnavailable, DBAPIError) as error:
        raise CannotStart(
            "The database that DATABASE_URL names cannot be used: %(problem)s",
            problem=str(getattr(error, "orig", None) or error.__cause__ or error),
        ) from error


def sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _is_unreachable(error: DBAPIError) -> bool:
    """SQLSTATE classes 08 (connection) and 57P (shutting down, starting up), or too many."""
    state = sqlstate(error) or ""
    return state.startswith(("08", "57P")) or state == _TOO_MANY_CONNECTIONS
