"""Tickets: filing, reading, changing and deciding them."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from pydantic import Field

from expenses.api.schemas import (
    Approval,
    Denial,
    EventAnswer,
    EventList,
    Reopening,
    TicketAnswer,
    TicketList,
    json_response,
    ticket_answer,
)
from expenses.database.engine import LARGEST_ID
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
from expenses.tickets.filters import Sort
from expenses.tickets.models import TicketStatus
from expenses.tickets.schemas import TicketChanges, TicketFields
from expenses.web.dependencies import as_user, settings_of
from expenses.web.filters import EmptyIsNone, FilterQuery
from expenses.web.pagination import Cursor, decode_position, encode_position
from expenses.web.problems import responses
from expenses.web.query_models import describe_query
from expenses.web.user_routes import BodyRoute, DirectRoute
from expenses.web.validation import parse

direct = APIRouter(prefix="/api/tickets", tags=["tickets"], route_class=DirectRoute)
router = APIRouter(prefix="/api/tickets", tags=["tickets"], route_class=BodyRoute)
ONE = "/{ticket_id:int}"

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Any unique text. The same key with the same ticket makes no second one.",
    ),
]


class TicketQuery(FilterQuery):
    status: Annotated[TicketStatus | None, EmptyIsNone] = None
    owner: Annotated[Annotated[int, Field(ge=1, le=LARGEST_ID)] | None, EmptyIsNone] = None
    sort: Sort = Sort.FILED_LAST
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[Cursor | None, EmptyIsNone] = None


@direct.get(
    "",
    response_model=TicketList,
    responses=responses(NotLoggedIn, InvalidInput),
    openapi_extra=describe_query(TicketQuery),
)
async def list_tickets(request: Request) -> Response:
    """Tickets, newest first: an employee's own, for an employer everyone's."""
    async with as_user(request) as (session, user):
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
    return json_response(found)


@router.post(
    "",
    status_code=201,
    response_model=TicketAnswer,
    responses=responses(NotLoggedIn, Forbidden, InvalidInput, IdempotencyKeyReused),
)
async def create_ticket(
    request: Request, body: TicketFields, idempotency_key: IdempotencyKey = None
) -> Response:
    """File a ticket."""
    settings = settings_of(request)
    async with as_user(request) as (session, user):
        ticket_id = await actions.create_ticket(
            session, body, actor=user, settings=settings, idempotency_key=idempotency_key
        )
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(
        ticket_answer(ticket), status=201, headers={"Location": f"/api/tickets/{ticket_id}"}
    )


@direct.get(ONE, response_model=TicketAnswer, responses=responses(NotLoggedIn, NotFound))
async def get_ticket(request: Request, ticket_id: int) -> Response:
    """One ticket, where it is yours to see."""
    async with as_user(request) as (session, user):
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(ticket_answer(ticket))


@router.patch(
    ONE,
    response_model=TicketAnswer,
    responses=responses(NotLoggedIn, Forbidden, NotFound, NotPending, InvalidInput),
)
async def edit_ticket(request: Request, ticket_id: int, body: TicketChanges) -> Response:
    """Give some fields of an own, pending ticket new values."""
    settings = settings_of(request)
    async with as_user(request) as (session, user):
        await actions.edit_ticket(session, ticket_id, body, actor=user, settings=settings)
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(ticket_answer(ticket))


@router.post(
    f"{ONE}/withdraw",
    response_model=TicketAnswer,
    responses=responses(NotLoggedIn, Forbidden, NotFound, NotPending),
)
async def withdraw_ticket(request: Request, ticket_id: int) -> Response:
    """Take an own, pending ticket back."""
    async with as_user(request) as (session, user):
        await actions.withdraw_ticket(session, ticket_id, actor=user)
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(ticket_answer(ticket))


@router.post(
    f"{ONE}/approve",
    response_model=TicketAnswer,
    responses=responses(NotLoggedIn, Forbidden, NotFound, AlreadyDecided, NotPending, InvalidInput),
)
async def approve_ticket(
    request: Request, ticket_id: int, body: Approval | None = None
) -> Response:
    """Approve a pending ticket, with a note where one is wanted."""
    reason = body.reason if body else None
    async with as_user(request) as (session, user):
        await decisions.approve_ticket(session, ticket_id, actor=user, reason=reason)
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(ticket_answer(ticket))


@router.post(
    f"{ONE}/deny",
    response_model=TicketAnswer,
    responses=responses(NotLoggedIn, Forbidden, NotFound, AlreadyDecided, NotPending, InvalidInput),
)
async def deny_ticket(request: Request, ticket_id: int, body: Denial) -> Response:
    """Deny a pending ticket, and say why."""
    async with as_user(request) as (session, user):
        await decisions.deny_ticket(session, ticket_id, actor=user, reason=body.reason)
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(ticket_answer(ticket))


@router.post(
    f"{ONE}/reopen",
    response_model=TicketAnswer,
    responses=responses(NotLoggedIn, Forbidden, NotFound, NotDecided, InvalidInput),
)
async def reopen_ticket(request: Request, ticket_id: int, body: Reopening) -> Response:
    """Undo a decision, and say why: the ticket is pending again."""
    async with as_user(request) as (session, user):
        await decisions.reopen_ticket(session, ticket_id, actor=user, reason=body.reason)
        ticket = await queries.get_ticket(session, ticket_id, actor=user)
    return json_response(ticket_answer(ticket))


@direct.get(f"{ONE}/history", response_model=EventList, responses=responses(NotLoggedIn, NotFound))
async def ticket_history(request: Request, ticket_id: int) -> Response:
    """Everything that happened to a ticket, oldest first."""
    async with as_user(request) as (session, user):
        events = await queries.ticket_history(session, ticket_id, actor=user)
    found = EventList(items=[EventAnswer.of(event) for event in events])
    return Response(found.model_dump_json(), media_type="application/json")
