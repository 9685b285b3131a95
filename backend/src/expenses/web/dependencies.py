"""What a request brings along: the database, the settings, where it comes from, whose it is."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_address, ip_network
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from expenses.database.engine import Database
from expenses.i18n.languages import preference
from expenses.settings import Settings
from expenses.users.sessions import CurrentUser, LoggedIn, authenticate
from expenses.users.throttling import Caller
from expenses.web.security.cookies import device_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def caller_of(request: Request) -> Caller:
    return Caller(
        address=_network_of(request),
        client=request.headers.get("user-agent"),
        device=device_of(request, settings_of(request)),
        language=preference(request),
    )


def open_session(request: Request) -> AbstractAsyncContextManager[AsyncSession]:
    """A transaction for a request that may change something, else a plain reader."""
    database = database_of(request)
    return database.reading() if is_safe(request) else database.transaction()


@asynccontextmanager
async def as_user(request: Request) -> AsyncIterator[tuple[AsyncSession, CurrentUser]]:
    """A session as `open_session` gives it, and whose request it is.

    For the routes that are asked most: resolving the same two as dependencies takes the framework
    longer than most of them take for their work.
    """
    async with open_session(request) as session:
        yield session, await get_current_user(request, session)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    async with open_session(request) as session:
        yield session


def token_of(request: Request) -> str | None:
    """The bearer token, else the one in the browser's cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.session.get("token")


def keep_logged_in(request: Request, logged_in: LoggedIn) -> None:
    """Give the browser a new session in place of the old one."""
    forget(request)
    request.session["token"] = logged_in.token


def forget(request: Request) -> None:
    """Forget what the browser's session held, but for the language that was chosen."""
    language = request.session.get("language")
    request.session.clear()
    if language:
        request.session["language"] = language


def is_safe(request: Request) -> bool:
    return request.method in SAFE_METHODS


def _network_of(request: Request) -> str:
    """The address; with IPv6 the network, since one customer has 2^64 addresses."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else host


# The function's scope, not the request's: the commit comes before the response is sent, so that
# nobody is told of a success that then fails.
SessionDependency = Annotated[AsyncSession, Depends(get_session, scope="function")]


async def get_current_user(request: Request, session: SessionDependency) -> CurrentUser:
    user = await authenticate(session, token_of(request), lock=not is_safe(request))
    request.state.user = user
    return user


# Asynchronous though they wait for nothing: the framework runs anything else in threads.
async def _get_caller(request: Request) -> Caller:
    return caller_of(request)


async def _get_settings(request: Request) -> Settings:
    return settings_of(request)


async def _get_database(request: Request) -> Database:
    return database_of(request)


CallerDependency = Annotated[Caller, Depends(_get_caller)]
CurrentUserDependency = Annotated[CurrentUser, Depends(get_current_user)]
SettingsDependency = Annotated[Settings, Depends(_get_settings)]
DatabaseDependency = Annotated[Database, Depends(_get_database)]
