"""Who asks at the API: a user's session, or a token that has the scope of the route."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import SessionNeeded
from expenses.users import sessions, tokens
from expenses.users.models import Scope
from expenses.users.sessions import CurrentUser
from expenses.users.tokens import TokenUser, is_token
from expenses.web.dependencies import ConnectionDependency, is_safe, token_of

# For the OpenAPI document; what is shown is checked below.
token_scheme = HTTPBearer(
    scheme_name="token",
    description="A token of your account, which begins with exp_ and has the scope.",
    auto_error=False,
)

ApiUser = CurrentUser | TokenUser


async def get_scopes(
    scopes: SecurityScopes,
    _shown: Annotated[HTTPAuthorizationCredentials | None, Depends(token_scheme)],
) -> Sequence[str]:
    """What a route asks of a token; without any, it is not for tokens."""
    return scopes.scopes


ScopesDependency = Annotated[Sequence[str], Depends(get_scopes)]


async def get_user(
    request: Request, connection: ConnectionDependency, scopes: ScopesDependency
) -> ApiUser:
    """Raises `NotLoggedIn`, `SessionNeeded` and `InsufficientScope`."""
    return await find_user(request, connection, scopes, lock=not is_safe(request))


async def find_user(
    request: Request, connection: AsyncConnection, scopes: Sequence[str], *, lock: bool
) -> ApiUser:
    """As `get_user`, for a route that opens its connections by itself."""
    user: ApiUser
    token = token_of(request)
    if not is_token(token):
        user = await sessions.authenticate(connection, token, lock=lock)
    elif scopes:
        user = await tokens.authenticate(connection, token, lock=lock)
        tokens.ensure_in_scope(user, scopes)
    else:
        raise SessionNeeded()
    request.state.user = user
    return user


ReaderDependency = Annotated[ApiUser, Security(get_user, scopes=[Scope.READ])]
FilerDependency = Annotated[ApiUser, Security(get_user, scopes=[Scope.TICKETS_WRITE])]
DeciderDependency = Annotated[ApiUser, Security(get_user, scopes=[Scope.DECIDE])]
PayerDependency = Annotated[ApiUser, Security(get_user, scopes=[Scope.PAYMENTS])]
