"""Your tokens for programs: made with your password, and shown once."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from expenses.errors import InvalidInput, NotFound, TooManyAttempts, TooManyTokens
from expenses.users import tokens
from expenses.users.account import confirmed_by_password
from expenses.users.models import Scope
from expenses.users.policy import ensure_can_grant
from expenses.users.schemas import NewToken
from expenses.users.tokens import TokenView
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
)
from expenses.web.openapi import session_read_problems, session_write_problems, with_links

router = APIRouter(prefix="/api/me/tokens", tags=["account"])


class TokenItem(BaseModel):
    id: int
    name: str = Field(examples=["Nightly import"])
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute.")
    expires_at: datetime

    @classmethod
    def of(cls, token: TokenView) -> "TokenItem":
        return cls.model_validate(token._asdict())


class TokenList(BaseModel):
    items: list[TokenItem]


class NewTokenAnswer(TokenItem):
    """`token` goes into `Authorization: Bearer …`; it is shown this once."""

    token: str = Field(examples=[f"{tokens.PREFIX}…"])


@router.get("", responses=session_read_problems())
async def list_tokens(user: CurrentUserDependency, connection: ConnectionDependency) -> TokenList:
    """Your tokens, the newest first; those that have expired are listed for 30 days."""
    found = await tokens.list_tokens(connection, actor=user)
    return TokenList(items=[TokenItem.of(token) for token in found])


@router.post(
    "",
    status_code=201,
    responses=with_links(
        session_write_problems(InvalidInput, TooManyAttempts, TooManyTokens),
        201,
        "revoke_token",
        token_id="id",  # noqa: S106, the name of a field
    ),
)
async def create_token(
    body: NewToken, request: Request, database: DatabaseDependency, settings: SettingsDependency
) -> NewTokenAnswer:
    """Make a token that may do what its scopes say, and no more than you."""
    # No connection is held while the password is checked.
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    ensure_can_grant(body.scopes, actor=user)
    async with confirmed_by_password(
        database, body.password, actor=user, settings=settings
    ) as connection:
        made, token = await tokens.create_token(connection, body, actor=user)
    return NewTokenAnswer(**made._asdict(), token=token)


@router.delete(
    "/{token_id}", status_code=204, responses=session_write_problems(NotFound, InvalidInput)
)
async def revoke_token(
    token_id: int, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    """Revoke one of your tokens: it is dead from now on."""
    await tokens.revoke_token(connection, token_id, actor=user)
    return Response(status_code=204)
