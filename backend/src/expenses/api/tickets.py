"""Tickets: filing, reading, changing and deciding them."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import Field, TypeAdapter

from expenses.api.shapes import (
    Approval,
    Denial,
    EventAnswer,
    EventList,
    Reopening,
    TicketAnswer,
    TicketList,
    ticket_answer,
)
from expenses.database import LARGEST_ID
from expenses.errors import (
    AlreadyDecided,
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotDecided,
    NotFound,
    NotLoggedIn,
    NotPending,
)
from expenses.tickets import actions, decisions, queries
from expenses.tickets.models import TicketStatus
from expenses.tickets.search import Sort
from expenses.tickets.shapes import TicketChanges, TicketFields
from expenses.web.cursors import Cursor, decode_position, encode_position
from expenses.web.filters import EmptyIsNone, FilterQuery
from expenses.web.problems import responses
from expenses.web.query_models import describe_query
from expenses.web.requests import (
    CurrentUserDependency,
    SessionDependency,
    SettingsDependency,
    reading_as_user,
)
from expenses.web.validation import parse


def json_response(kind: TypeAdapter[Any], value: Any) -> Response:
    """Written as its type says, without being checked first: it was made here."""
    return Response(kind.dump_json(value), media_type="application/json")


router = APIRouter(prefix="/tickets", tags=["tickets"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any unique text. The same key with the same ticket makes no second one.",
    ),
]


_TICKET = TypeAdapter(TicketAnswer)
_LIST = TypeAdapter(TicketList)


class TicketQuery(FilterQuery):
    status: Annotated[TicketStatus | None, EmptyIsNone] = None
    owner: Annotated[Annotated[int, Field(ge=1, le=LARGEST_ID)] | None, EmptyIsNone] = None
    sort: Sort = Sort.FILED_LAST
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[Cursor | None, EmptyIsNone] = None


@router.get(
    "",
    response_model=TicketList,
    responses=responses(NotLoggedIn, InvalidInput),
    openapi_extra=describe_query(TicketQuery),
)
async def list_tickets(request: Request) -> Response:
    """Tickets, newest first: an employee's own, for an employer everyone's."""
    async with reading_as_user(request) as (session, user):
        query = parse(TicketQuery, request.query_params)
        page = await queries.list_tickets(
            session,
            actor=user,
            matching=await query.resolve(
                session, actor=user, status=query.status, owner_id=query.owner
            ),
            sort=query.sort,
            position=decode_position(query.cursor, query.sort),
            limit=query.limit,
        )
    found: TicketList = {
        "items": [ticket_answer(ticket) for ticket in page.items],
        "next": encode_position(page.next, query.sort),
    }
    return json_response(_LIST, found)


@router.post(
    "",
    status_code=201,
    responses=responses(NotLoggedIn, Forbidden, InvalidInput, IdempotencyKeyReused),
)
async def create_ticket(
    body: TicketFields,
    user: CurrentUserDependency,
    session: SessionDependency,
    settings: SettingsDependency,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> TicketAnswer:
    """File a ticket."""
    ticket_id = await actions.create_ticket(
        session, body, actor=user, settings=settings, idempotency_key=idempotency_key
    )
    response.headers["Location"] = f"/api/tickets/{ticket_id}"
    return ticket_answer(await queries.get_ticket(session, ticket_id, actor=user))


@router.get("/{ticket_id}", response_model=TicketAnswer, responses=responses(NotLoggedIn, NotFound))
async def get_ticket(request: Request, ticket_id: int) -> Response:
    """One ticket, where it is yours to see."""
    async with reading_as_user(request) as (session, user):
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(_TICKET, ticket_answer(ticket))


@router.patch(
    "/{ticket_id}", responses=responses(NotLoggedIn, Forbidden, NotFound, NotPending, InvalidInput)
)
async def edit_ticket(
    ticket_id: int,
    body: TicketChanges,
    user: CurrentUserDependency,
    session: SessionDependency,
    settings: SettingsDependency,
) -> TicketAnswer:
    """Give some fields of an own, pending ticket new values."""
    await actions.edit_ticket(session, ticket_id, body, actor=user, settings=settings)
    return ticket_answer(await queries.get_ticket(session, ticket_id, actor=user))


@router.post(
    "/{ticket_id}/withdraw", responses=responses(NotLoggedIn, Forbidden, NotFound, NotPending)
)
async def withdraw_ticket(
    ticket_id: int, user: CurrentUserDependency, session: SessionDependency
) -> TicketAnswer:
    """Take an own, pending ticket back."""
    await actions.withdraw_ticket(session, ticket_id, actor=user)
    return ticket_answer(await queries.get_ticket(session, ticket_id, actor=user))


@router.post(
    "/{ticket_id}/approve",
    responses=responses(NotLoggedIn, Forbidden, NotFound, AlreadyDecided, NotPending, InvalidInput),
)
async def approve_ticket(
    ticket_id: int,
    user: CurrentUserDependency,
    session: SessionDependency,
    body: Approval | None = None,
) -> TicketAnswer:
    """Approve a pending ticket, with a note where one is wanted."""
    reason = body.reason if body else None
    await decisions.approve_ticket(session, ticket_id, actor=user, reason=reason)
    return ticket_answer(await queries.get_ticket(session, ticket_id, actor=user))


@router.post(
    "/{ticket_id}/deny",
    responses=responses(NotLoggedIn, Forbidden, NotFound, AlreadyDecided, NotPending, InvalidInput),
)
async def deny_ticket(
    ticket_id: int, body: Denial, user: CurrentUserDependency, session: SessionDependency
) -> TicketAnswer:
    """Deny a pending ticket, and say why."""
    await decisions.deny_ticket(session, ticket_id, actor=user, reason=body.reason)
    return ticket_answer(await queries.get_ticket(session, ticket_id, actor=user))


@router.post(
    "/{ticket_id}/reopen",
    responses=responses(NotLoggedIn, Forbidden, NotFound, NotDecided, InvalidInput),
)
async def reopen_ticket(
    ticket_id: int, body: Reopening, user: CurrentUserDependency, session: SessionDependency
) -> TicketAnswer:
    """Undo a decision, and say why: the ticket is pending again."""
    await decisions.reopen_ticket(session, ticket_id, actor=user, reason=body.reason)
    return ticket_answer(await queries.get_ticket(session, ticket_id, actor=user))


@router.get("/{ticket_id}/history", responses=responses(NotLoggedIn, NotFound))
async def ticket_history(
    ticket_id: int, user: CurrentUserDependency, session: SessionDependency
) -> EventList:
    """Everything that happened to a ticket, oldest first."""
    events = await queries.ticket_history(session, ticket_id, actor=user)
    return EventList(items=[EventAnswer.of(event) for event in events])
