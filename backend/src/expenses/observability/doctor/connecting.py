"""Connecting to the database, and explaining why it fails."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.observability.doctor.findings import Finding, problem, unreachable
from expenses.settings import Pooler

ANSWERS = (OSError, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError)
CONNECTION_ERRORS = (*ANSWERS, TypeError, ValueError)

_SUBJECT = "database"
# A shorter password appears in any sentence by chance.
_TELLING = 6
_WRITTEN = "in user and password, @ is written %40, : is %3A and / is %2F"

# By SQLSTATE: a sentence and the way out.
_REFUSALS = {
    "28P01": (
        "{where} rejects the password of the role {role}.",
        f"Put the right password into DATABASE_URL; {_WRITTEN}.",
    ),
    "28000": (
        "{where} rejects the role {role} from this address: {message}.",
        "Create the role, or allow it in the server's pg_hba.conf.",
    ),
    "3D000": (
        "{where} has no database {name}.",
        "Create it with CREATE DATABASE … ENCODING 'UTF8', or correct DATABASE_URL.",
    ),
    "42501": (
        "{where} does not let the role {role} connect to the database {name}.",
        "Run `expenses grant {role}` with the DATABASE_URL of the role that owns the tables.",
    ),
    "53300": (
        "{where} has no connection left.",
        "Close some, or raise max_connections there.",
    ),
    "57P03": (
        "{where} does not accept connections at the moment: {message}.",
        "Wait until it has started, then try again.",
    ),
}
_OTHER = (
    "{where} refuses the connection: {message}.",
    "Check every part of DATABASE_URL.",
)


@asynccontextmanager
async def connected(url: URL, pooler: Pooler | None) -> AsyncIterator[AsyncConnection]:
    database = Database(url.render_as_string(hide_password=False), pooler)
    try:
        async with database.engine.connect() as connection:
            yield connection
    finally:
        await database.engine.dispose()


def where_is(url: URL) -> str:
    """Name the server without the password and the options, one of which may be a password."""
    host = url.host or url.query.get("host") or "the server of PGHOST"
    if not isinstance(host, str):
        host = ",".join(host)
    if host.startswith("/"):
        return f"the socket in {host}"
    return f"{host}:{url.port or 5432}"


def not_connected(error: BaseException, url: URL) -> Finding:
    cause, where = _cause(error), where_is(url)
    if isinstance(cause, asyncpg.PostgresError):
        sentence, remedy = _REFUSALS.get(cause.sqlstate or "", _OTHER)
        words = {
            "where": where,
            "role": url.username or "that PGUSER names",
            "name": url.database,
            "message": words_of(cause, url),
        }
        return problem(_SUBJECT, sentence.format(**words), remedy.format(**words))
    if isinstance(cause, OSError) and "SSL upgrade" in str(cause):
        return problem(
            _SUBJECT,
            f"{where} does not offer TLS, which sslmode in DATABASE_URL requires.",
            "Turn on ssl at the server, or remove sslmode if the network is private.",
        )
    if isinstance(cause, FileNotFoundError):
        return problem(
            _SUBJECT,
            f"nothing is listening at {where}.",
            "Start PostgreSQL, or correct DATABASE_URL.",
        )
    if isinstance(cause, OSError):
        return unreachable(_SUBJECT, cause, where)
    # What the driver says before it connects.
    reason = f": {words_of(cause, url)}" if isinstance(cause, asyncpg.InterfaceError) else ""
    return problem(
        "DATABASE_URL",
        f"has an unknown or unsupported option after the ?{reason}.",
        "Remove the option, or add what it needs; sslmode=require needs nothing else.",
    )


def not_answered(error: BaseException, url: URL) -> Finding:
    return problem(
        _SUBJECT,
        f"{where_is(url)} answers a query with an error: {words_of(error, url)}.",
        "Check its log, then try again.",
    )


def words_of(error: BaseException, url: URL) -> str:
    """Return the server's message, unless it contains the password, as a pooler's might."""
    cause = _cause(error)
    words = str(getattr(cause, "message", None) or cause).rstrip(".")
    if url.password and len(url.password) >= _TELLING and url.password in words:
        return "its message contains the password"
    return words


def _cause(error: BaseException) -> BaseException:
    """Find the driver's own error inside SQLAlchemy's."""
    inner = getattr(error, "orig", None) or error
    while inner is not None:
        if isinstance(inner, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
            return inner
        inner = inner.__cause__
    return error
