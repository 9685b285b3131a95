"""What goes in and out as JSON."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from expenses.i18n.money import with_decimals
from expenses.tickets.events import EventView, HistoryLine
from expenses.tickets.models import Category, PaymentStatus, TicketStatus
from expenses.tickets.queries import TicketView
from expenses.tickets.schemas import Reason
from expenses.users.models import Role
from expenses.users.queries import UserView
from expenses.users.schemas import Email, NewPassword, Password, SuspensionReason, Username
from expenses.users.sessions import CurrentUser, NewSession
from expenses.users.tokens import TokenUser


class Request(BaseModel):
    """Refuses unknown fields, so that a typo does not pass silently."""

    model_config = ConfigDict(extra="forbid")


class Credentials(Request):
    email: Email
    password: Password


class Registration(Credentials):
    password: NewPassword
    username: Username
    role: Role
    employer_code: str | None = None


class Approval(Request):
    reason: Reason | None = None


class Denial(Request):
    reason: Reason


class Reopening(Request):
    reason: Reason


class Suspension(Request):
    reason: Annotated[SuspensionReason, Field(min_length=1)] | None = None


class Person(TypedDict):
    id: int
    username: str


class Owner(Person):
    email: str


class UserAnswer(BaseModel):
    id: int
    email: str
    username: str
    role: Role
    suspended: bool
    created_at: datetime

    @classmethod
    def of(cls, user: UserView | CurrentUser | TokenUser) -> "UserAnswer":
        return cls(
            id=user.id,
            email=user.email,
            username=user.username,
            role=user.role,
            suspended=user.suspended_at is not None,
            created_at=user.created_at,
        )


class AccountAnswer(UserAnswer):
    """`mails` is whether one gets any: of decisions, or the digest of pending tickets."""

    mails: bool

    @classmethod
    def of(cls, user: UserView | CurrentUser | TokenUser) -> "AccountAnswer":
        return cls(**UserAnswer.of(user).model_dump(), mails=user.gets_mails)


class SessionAnswer(BaseModel):
    """`token` goes into `Authorization: Bearer …`; it is shown this once."""

    token: str
    expires_at: datetime
    user: AccountAnswer

    @classmethod
    def of(cls, session: NewSession) -> "SessionAnswer":
        user = AccountAnswer.of(session.user)
        return cls(token=session.token, expires_at=session.expires_at, user=user)


class Decision(TypedDict):
    by: Person
    at: datetime
    reason: str | None


class TicketAnswer(TypedDict):
    id: int
    owner: Owner
    spent_on: date
    amount: Annotated[str, Field(examples=["12.50"])]
    currency: str
    category: Category
    description: str
    merchant: str | None
    links: list[str]
    status: TicketStatus
    decision: Decision | None
    payment: PaymentStatus | None
    created_at: datetime
    updated_at: datetime


class TicketList(TypedDict):
    """`next` is the cursor of the page after this one; null at the end."""

    items: list[TicketAnswer]
    next: str | None


def ticket_answer(ticket: TicketView) -> TicketAnswer:
    return {
        "id": ticket.id,
        "owner": {
            "id": ticket.owner_id,
            "username": ticket.owner_username,
            "email": ticket.owner_email,
        },
        "spent_on": ticket.spent_on,
        "amount": str(with_decimals(ticket.amount, ticket.currency)),
        "currency": ticket.currency,
        "category": ticket.category,
        "description": ticket.description,
        "merchant": ticket.merchant,
        "links": ticket.links,
        "status": ticket.status,
        "decision": _decision(ticket),
        "payment": ticket.payment,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
    }


class EmployeeList(BaseModel):
    """`next` is the cursor of the page after this one; null at the end."""

    items: list[UserAnswer]
    next: str | None


class EventAnswer(BaseModel):
    id: int
    at: datetime
    action: str = Field(examples=["ticket.approved"])
    actor: Person
    details: dict[str, Any]

    @classmethod
    def of(cls, event: EventView | HistoryLine) -> "EventAnswer":
        return cls(
            id=event.id,
            at=event.at,
            action=event.action,
            actor=Person(id=event.actor_id, username=event.actor_username),
            details=event.details,
        )


class EventList(BaseModel):
    items: list[EventAnswer]


class EventPage(EventList):
    """`next` is the cursor of the page after this one; null at the end."""

    next: str | None


def _decision(ticket: TicketView) -> Decision | None:
    if ticket.decided_by_id is None or ticket.decided_at is None:
        return None
    return {
        "by": {"id": ticket.decided_by_id, "username": ticket.decided_by_username or ""},
        "at": ticket.decided_at,
        "reason": ticket.decision_reason,
    }
