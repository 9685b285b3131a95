"""Dependencies of routes: settings, database, connection, caller and current user."""

from collections.abc import AsyncIterator
from ipaddress import ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.database.replica import is_fresh
from expenses.errors import SessionNeeded
from expenses.settings import Settings
from expenses.users.sessions import CurrentUser, NewSession, authenticate
from expenses.users.throttling import Caller
from expenses.users.tokens import is_token
from expenses.web.pages.language import preferred_language
from expenses.web.security.cookies import device_of

KEPT_CHOICES = ("language", "theme")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_safe(request: Request) -> bool:
    return request.method in SAFE_METHODS


async def get_settings(request: Request) -> Settings:
    return settings_of(request)


async def get_database(request: Request) -> Database:
    return database_of(request)


async def get_caller(request: Request) -> Caller:
    return caller_of(request)


SettingsDependency = Annotated[Settings, Depends(get_settings)]
DatabaseDependency = Annotated[Database, Depends(get_database)]
CallerDependency = Annotated[Caller, Depends(get_caller)]


async def get_connection(
    request: Request,
) -> AsyncIterator[AsyncConnection]:
    """Open a transaction for a request that may change something, else a connection for reads."""
    database = database_of(request)
    async with database.reading() if is_safe(request) else database.transaction() as connection:
        yield connection


# The function's scope, not the request's: the commit comes before the response is sent, so that
# nobody is told of a success that then fails.
ConnectionDependency = Annotated[AsyncConnection, Depends(get_connection, scope="function")]


async def get_current_user(request: Request, connection: ConnectionDependency) -> CurrentUser:
    """Raises `NotLoggedIn`, and `SessionNeeded` for a program's token."""
    token = token_of(request)
    if is_token(token):
        raise SessionNeeded()
    user = await authenticate(connection, token, lock=not is_safe(request))
    request.state.user = user
    return user


CurrentUserDependency = Annotated[CurrentUser, Depends(get_current_user)]


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def database_for_reports(request: Request) -> Database:
    """The replica where there is one that is up to date; never for what a decision is made from."""
    database = database_of(request)
    replica: Database | None = request.app.state.replica
    if replica is not None and await is_fresh(replica, database):
        return replica
    return database


def caller_of(request: Request) -> Caller:
    return Caller(
        address=_network_of(request),
        client=request.headers.get("user-agent"),
        device=device_of(request, settings_of(request)),
        language=preferred_language(request),
        is_program=request.url.path.startswith("/api/"),
    )


def token_of(request: Request) -> str | None:
    """The bearer token, else the one in the browser's cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.session.get("token")


def keep_logged_in(request: Request, session: NewSession) -> None:
    """Give the browser a new session in place of the old one."""
    forget(request)
    request.session["token"] = session.token


def forget(request: Request) -> None:
    """Forget what the browser's session held, but for the language and the appearance."""
    kept = {name: request.session[name] for name in KEPT_CHOICES if name in request.session}
    request.session.clear()
    request.session.update(kept)


def _network_of(request: Request) -> str:
    """The address; with IPv6 the network, since one customer has 2^64 addresses."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else host
