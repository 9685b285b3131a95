"""Access to the console: employers who are logged in through the portal's log-in page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqladmin.authentication import AuthenticationBackend
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.errors import Forbidden
from expenses.i18n.text import N_
from expenses.users.models import Role
from expenses.users.sessions import CurrentUser, authenticate
from expenses.web.dependencies import database_of, token_of


class EmployersOnly(AuthenticationBackend):
    """Checks the session in the database on every request."""

    def __init__(self) -> None:
        # No middleware of its own: a second SessionMiddleware and the application's would
        # overwrite each other's cookie.
        self.middlewares = []

    async def authenticate(self, request: Request) -> bool:
        async with database_of(request).reading() as connection:
            user = await authenticate(connection, token_of(request), lock=False)
        request.state.user = user
        _ensure_employer(user)
        return True

    async def login(self, request: Request) -> Response:  # noqa: ARG002
        """Redirect to the portal's log-in page, the only one."""
        return RedirectResponse("/login?next=/admin/", status_code=303)

    async def logout(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/", status_code=303)

    async def get_user_id(self, request: Request) -> int:
        return user_of(request).id


@asynccontextmanager
async def writing(request: Request) -> AsyncIterator[AsyncConnection]:
    """Open a transaction of an employer who is still one; whoever changes that waits for it."""
    async with database_of(request).transaction() as connection:
        user = await authenticate(connection, token_of(request), lock=True)
        request.state.user = user
        _ensure_employer(user)
        yield connection


def user_of(request: Request) -> CurrentUser:
    """Return the employer of a request; set by `authenticate`."""
    user: CurrentUser = request.state.user
    return user


def _ensure_employer(user: CurrentUser) -> None:
    if user.role is not Role.EMPLOYER:
        raise Forbidden(N_("The console is for employers."))
