"""Your payout details: where you want to be paid."""

from datetime import datetime

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from expenses.errors import Forbidden, InvalidInput, NotFound, TooManyAttempts
from expenses.payments import payout
from expenses.payments.payout_schemas import PayoutChange
from expenses.payments.policy import ensure_can_be_paid
from expenses.users.account import confirmed_by_password
from expenses.web.dependencies import (
    ConnectionDependency,
    CurrentUserDependency,
    DatabaseDependency,
    SettingsDependency,
    get_current_user,
)
from expenses.web.openapi import read_problems, session_write_problems
from expenses.web.scopes import ReaderDependency

router = APIRouter(prefix="/api/me/payout", tags=["account"])


class PayoutAnswer(BaseModel):
    """Never the whole number."""

    masked: str = Field(examples=["DE89 •••• 3000"])
    changed_at: datetime


@router.get("", responses=read_problems(Forbidden, NotFound))
async def get_payout(user: ReaderDependency, connection: ConnectionDependency) -> PayoutAnswer:
    """Where you are paid."""
    found = await payout.get_payout(connection, actor=user)
    if found is None:
        raise NotFound()
    return PayoutAnswer(**found._asdict())


@router.put("", responses=session_write_problems(Forbidden, InvalidInput, TooManyAttempts))
async def set_payout(
    body: PayoutChange, request: Request, database: DatabaseDependency, settings: SettingsDependency
) -> PayoutAnswer:
    """Say where you want to be paid. You get an e-mail about it."""
    # No connection is held while the password is checked.
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
    ensure_can_be_paid(user)
    details = body.details()
    async with confirmed_by_password(
        database, body.password, actor=user, settings=settings
    ) as connection:
        stored = await payout.set_payout(connection, details, actor=user, settings=settings)
    return PayoutAnswer(**stored._asdict())


@router.delete("", status_code=204, responses=session_write_problems(Forbidden, NotFound))
async def remove_payout(user: CurrentUserDependency, connection: ConnectionDependency) -> Response:
    """Remove your payout details. You get an e-mail about it."""
    await payout.remove_payout(connection, actor=user)
    return Response(status_code=204)
