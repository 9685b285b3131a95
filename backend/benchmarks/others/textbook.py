"""The application of FastAPI's and SQLAlchemy's tutorials: ORM entities, OFFSET and count(*).

DATABASE_URL names the database.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import selectinload

from benchmarks.others.models import Event, Ticket, User, UserSession
from expenses.database.address import asyncpg_url

PAGE_SIZE = 20
RELATED = (selectinload(Ticket.owner), selectinload(Ticket.decided_by))

engine = create_async_engine(asyncpg_url(os.environ["DATABASE_URL"]))
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    email: str


class TicketIn(BaseModel):
    spent_on: date
    amount: Decimal
    currency: str
    category: str
    description: str
    links: list[str]


class TicketOut(TicketIn):
    model_config = ConfigDict(from_attributes=True)

    id: int
    owner: UserOut
    status: str
    decided_by: UserOut | None
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Page(BaseModel):
    items: list[TicketOut]
    total: int


async def get_session() -> AsyncIterator[AsyncSession]:
    async with new_session() as session:
        yield session


SessionDependency = Annotated[AsyncSession, Depends(get_session)]


async def get_user(
    session: SessionDependency,
    shown: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> User:
    token_hash = hashlib.sha256(shown.credentials.encode()).digest()
    query = select(UserSession).where(UserSession.token_hash == token_hash)
    found = await session.scalar(query.options(selectinload(UserSession.user)))
    if found is None or found.expires_at < datetime.now(UTC) or found.user.suspended_at:
        raise HTTPException(401)
    return found.user


UserDependency = Annotated[User, Depends(get_user)]


@app.get("/tickets")
async def list_tickets(
    session: SessionDependency,
    _user: UserDependency,
    page: int = 1,
    q: str = "",
    sort: Literal["id", "amount"] = "id",
) -> Page:
    query = select(Ticket).join(Ticket.owner).where(User.suspended_at.is_(None))
    if q:
        query = query.where(Ticket.description.icontains(q))
    total = await session.scalar(select(func.count()).select_from(query.subquery()))
    shown = query.options(*RELATED).order_by(getattr(Ticket, sort).desc())
    tickets = await session.scalars(shown.offset((page - 1) * PAGE_SIZE).limit(PAGE_SIZE))
    items = [TicketOut.model_validate(ticket) for ticket in tickets]
    return Page(items=items, total=total or 0)


@app.post("/tickets", status_code=201)
async def create_ticket(
    fields: TicketIn, session: SessionDependency, user: UserDependency
) -> TicketOut:
    ticket = Ticket(**fields.model_dump(), owner_id=user.id)
    session.add(ticket)
    await session.flush()
    session.add(_event("ticket.created", ticket, user, fields.model_dump(mode="json")))
    await session.commit()
    return await _shown(session, ticket)


@app.post("/tickets/{ticket_id}/approve")
async def approve_ticket(
    ticket_id: int, session: SessionDependency, user: UserDependency
) -> TicketOut:
    ticket = await session.get(Ticket, ticket_id, with_for_update=True)
    if ticket is None:
        raise HTTPException(404)
    if ticket.status != "pending" or user.role != "employer":
        raise HTTPException(409)
    ticket.status, ticket.decided_by_id, ticket.decided_at = "approved", user.id, datetime.now(UTC)
    session.add(_event("ticket.approved", ticket, user, {"reason": None}))
    await session.commit()
    return await _shown(session, ticket)


def _event(action: str, ticket: Ticket, user: User, details: dict[str, object]) -> Event:
    return Event(
        action=action,
        actor_id=user.id,
        ticket_id=ticket.id,
        owner_id=ticket.owner_id,
        details=details,
    )


async def _shown(session: AsyncSession, ticket: Ticket) -> TicketOut:
    await session.refresh(ticket)
    await session.refresh(ticket, ["owner", "decided_by"])
    return TicketOut.model_validate(ticket)
