"""A connection to the database, or why there is none, in other words than PostgreSQL's."""

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
# Of a password: a shorter one is in any sentence by chance.
_TELLING = 6
_WRITTEN = "in user and password, @ is written %40, : is %3A and / is %2F"

# By SQLSTATE; of each a sentence and the way out.
_REFUSALS = {
    "28P01": (
        "{where} does not take the role {role} with this password.",
        f"Put the right password into DATABASE_URL; {_WRITTEN}.",
    ),
    "28000": (
        "{where} does not let the role {role} in from here: {message}.",
        "Make the role, or allow it in the server's pg_hba.conf; see DATABASE_URL.",
    ),
    "3D000": (
        "{where} has no database {name}.",
        "Make it with CREATE DATABASE … ENCODING 'UTF8', or set DATABASE_URL to another one.",
    ),
    "42501": (
        "{where} does not let the role {role} connect to the database {name}.",
        "Run `expenses grant {role}` with the DATABASE_URL of the role that owns the tables.",
    ),
    "53300": (
        "{where} has no connection left.",
        "End what holds so many, or raise max_connections there.",
    ),
    "57P03": (
        "{where} does not take connections now: {message}.",
        "Wait until it has started, then look again.",
    ),
}
_OTHER = (
    "{where} refuses the connection: {message}.",
    "See whether DATABASE_URL is right in all its parts.",
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
    """Without the password, and without options, of which one may be a password."""
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
            f"{where} does not speak TLS, and sslmode in DATABASE_URL asks for it.",
            "Switch ssl on at the server, or leave sslmode out where nobody else can listen in.",
        )
    if isinstance(cause, FileNotFoundError):
        return problem(
            _SUBJECT, f"nobody listens at {where}.", "Start PostgreSQL, or mend DATABASE_URL."
        )
    if isinstance(cause, OSError):
        return unreachable(_SUBJECT, cause, where)
    # What the driver says before it has talked to anybody.
    reason = f": {words_of(cause, url)}" if isinstance(cause, asyncpg.InterfaceError) else ""
    return problem(
        "DATABASE_URL",
        f"has an option after the ? that is not known, or cannot be had{reason}.",
        "Leave the option out, or give what it needs; sslmode=require needs nothing more.",
    )


def not_answered(error: BaseException, url: URL) -> Finding:
    return problem(
        _SUBJECT,
        f"{where_is(url)} answers a question with an error: {words_of(error, url)}.",
        "See what its log says, and look again.",
    )


def words_of(error: BaseException, url: URL) -> str:
    """The server's own, in which no password is to be; but who knows every pooler."""
    cause = _cause(error)
    words = str(getattr(cause, "message", None) or cause).rstrip(".")
    if url.password and len(url.password) >= _TELLING and url.password in words:
        return "what it says has the password in it"
    return words


def _cause(error: BaseException) -> BaseException:
    """The driver's own error, in what SQLAlchemy has made of it."""
    inner = getattr(error, "orig", None) or error
    while inner is not None:
        if isinstance(inner, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
            return inner
        inner = inner.__cause__
    return error
