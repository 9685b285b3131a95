"""Tickets: filing, reading, changing and deciding them."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import Field

from expenses.api.schemas import (
    Approval,
    Denial,
    EventAnswer,
    EventList,
    Reopening,
    TicketAnswer,
    TicketList,
    ticket_answer,
)
from expenses.database.tables import MAX_ID
from expenses.errors import (
    AlreadyDecided,
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotDecided,
    NotFound,
    NotPending,
    OtherDecimals,
    OwnTicket,
)
from expenses.tickets import actions, decisions, events, lists, queries
from expenses.tickets.filters import Sort
from expenses.tickets.models import TicketStatus
from expenses.tickets.schemas import TicketChanges, TicketFields
from expenses.web.dependencies import (
    ConnectionDependency,
    SettingsDependency,
)
from expenses.web.filters import FilterQuery, OrEmpty
from expenses.web.openapi import read_problems, with_links, write_problems
from expenses.web.pagination import Cursor, decode_position, encode_position
from expenses.web.scopes import DeciderDependency, FilerDependency, ReaderDependency

router = APIRouter(prefix="/api/tickets", tags=["tickets"])
ONE = "/{ticket_id:int}"

OPERATIONS = ("get_ticket", "edit_ticket", "withdraw_ticket", "ticket_history")
DECISIONS = ("approve_ticket", "deny_ticket")

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
    status: OrEmpty[TicketStatus] = None
    owner: OrEmpty[Annotated[int, Field(ge=1, le=MAX_ID)]] = None
    sort: Sort = Sort.FILED_LAST
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: OrEmpty[Cursor] = None


@router.get("", responses=read_problems(InvalidInput))
async def list_tickets(
    query: Annotated[TicketQuery, Query()],
    connection: ConnectionDependency,
    user: ReaderDependency,
) -> TicketList:
    """Tickets, newest first: your own as an employee, everyone's as an employer."""
    matching = await query.resolve(
        connection, actor=user, status=query.status, owner_id=query.owner
    )
    page = await lists.list_tickets(
        connection,
        actor=user,
        matching=matching,
        sort=query.sort,
        position=decode_position(query.cursor, query.sort),
        limit=query.limit,
    )
    return {
        "items": [ticket_answer(ticket) for ticket in page.items],
        "next": encode_position(page.next, query.sort),
    }


@router.post(
    "",
    status_code=201,
    responses=with_links(
        write_problems(Forbidden, InvalidInput, IdempotencyKeyReused),
        201,
        *(*OPERATIONS, *DECISIONS),
        ticket_id="id",
    ),
)
async def create_ticket(
    body: TicketFields,
    response: Response,
    connection: ConnectionDependency,
    user: FilerDependency,
    settings: SettingsDependency,
    idempotency_key: IdempotencyKey = None,
) -> TicketAnswer:
    """File a ticket."""
    ticket_id = await actions.create_ticket(
        connection, body, actor=user, settings=settings, idempotency_key=idempotency_key
    )
    response.headers["Location"] = f"/api/tickets/{ticket_id}"
    return ticket_answer(await queries.get_ticket(connection, ticket_id, actor=user))


@router.get(
    ONE,
    responses=with_links(
        read_problems(NotFound), 200, *(*OPERATIONS, *DECISIONS, "reopen_ticket"), ticket_id="id"
    ),
)
async def get_ticket(
    ticket_id: int, connection: ConnectionDependency, user: ReaderDependency
) -> TicketAnswer:
    """One ticket that you may see."""
    return ticket_answer(await queries.get_ticket(connection, ticket_id, actor=user))


@router.patch(
    ONE,
    responses=with_links(
        write_problems(Forbidden, NotFound, NotPending, OtherDecimals, InvalidInput),
        200,
        *OPERATIONS,
        ticket_id="id",
    ),
)
async def edit_ticket(
    ticket_id: int,
    body: TicketChanges,
    connection: ConnectionDependency,
    user: FilerDependency,
    settings: SettingsDependency,
) -> TicketAnswer:
    """Change some fields of your own pending ticket."""
    await actions.edit_ticket(connection, ticket_id, body, actor=user, settings=settings)
    return ticket_answer(await queries.get_ticket(connection, ticket_id, actor=user))


@router.post(
    f"{ONE}/withdraw",
    responses=with_links(
        write_problems(Forbidden, NotFound, NotPending),
        200,
        "get_ticket",
        "ticket_history",
        ticket_id="id",
    ),
)
async def withdraw_ticket(
    ticket_id: int, connection: ConnectionDependency, user: FilerDependency
) -> TicketAnswer:
    """Withdraw your own pending ticket."""
    await actions.withdraw_ticket(connection, ticket_id, actor=user)
    return ticket_answer(await queries.get_ticket(connection, ticket_id, actor=user))


@router.post(
    f"{ONE}/approve",
    responses=with_links(
        write_problems(Forbidden, OwnTicket, NotFound, AlreadyDecided, NotPending, InvalidInput),
        200,
        "reopen_ticket",
        ticket_id="id",
    ),
)
async def approve_ticket(
    ticket_id: int,
    connection: ConnectionDependency,
    user: DeciderDependency,
    body: Approval | None = None,
) -> TicketAnswer:
    """Approve a pending ticket, optionally with a note."""
    reason = body.reason if body else None
    await decisions.approve_ticket(connection, ticket_id, actor=user, reason=reason)
    return ticket_answer(await queries.get_ticket(connection, ticket_id, actor=user))


@router.post(
    f"{ONE}/deny",
    responses=with_links(
        write_problems(Forbidden, OwnTicket, NotFound, AlreadyDecided, NotPending, InvalidInput),
        200,
        "reopen_ticket",
        ticket_id="id",
    ),
)
async def deny_ticket(
    ticket_id: int, body: Denial, connection: ConnectionDependency, user: DeciderDependency
) -> TicketAnswer:
    """Deny a pending ticket, and say why."""
    await decisions.deny_ticket(connection, ticket_id, actor=user, reason=body.reason)
    return ticket_answer(await queries.get_ticket(connection, ticket_id, actor=user))


@router.post(
    f"{ONE}/reopen",
    responses=with_links(
        write_problems(Forbidden, OwnTicket, NotFound, NotDecided, InvalidInput),
        200,
        *DECISIONS,
        ticket_id="id",
    ),
)
async def reopen_ticket(
    ticket_id: int, body: Reopening, connection: ConnectionDependency, user: DeciderDependency
) -> TicketAnswer:
    """Undo a decision, and say why: the ticket is pending again."""
    await decisions.reopen_ticket(connection, ticket_id, actor=user, reason=body.reason)
    return ticket_answer(await queries.get_ticket(connection, ticket_id, actor=user))


@router.get(f"{ONE}/history", responses=read_problems(NotFound))
async def ticket_history(
    ticket_id: int, connection: ConnectionDependency, user: ReaderDependency
) -> EventList:
    """Everything that happened to a ticket, oldest first."""
    found = await events.ticket_history(connection, ticket_id, actor=user)
    return EventList(items=[EventAnswer.of(event) for event in found])
