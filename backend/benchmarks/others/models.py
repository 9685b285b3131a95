"""The tables as SQLAlchemy's tutorial declares them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), list[str]: ARRAY(Text)}


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    username: Mapped[str]
    role: Mapped[str]
    suspended_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return self.username


class UserSession(Base):
    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    expires_at: Mapped[datetime]
    user: Mapped[User] = relationship()


class Ticket(Base):
    __tablename__ = "tickets"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    spent_on: Mapped[date]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    category: Mapped[str]
    description: Mapped[str]
    links: Mapped[list[str]]
    status: Mapped[str] = mapped_column(default="pending")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    owner: Mapped[User] = relationship(foreign_keys=owner_id)
    decided_by: Mapped[User | None] = relationship(foreign_keys=decided_by_id)


class Event(Base):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int]
    action: Mapped[str]
    ticket_id: Mapped[int]
    owner_id: Mapped[int]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
