"""Payment runs: drafted, confirmed, paid, cancelled and voided."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.api.payout import PayoutAnswer
from expenses.api.schemas import Person, TicketList, ticket_answer
from expenses.api.tickets import IdempotencyKey
from expenses.database.tables import MAX_ID
from expenses.errors import (
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    NothingDue,
    OwnTicket,
    PartlyPaid,
    RunChanged,
)
from expenses.i18n.money import with_decimals
from expenses.payments import actions, drafting, queries
from expenses.payments.models import RunStatus
from expenses.payments.queries import Due, RunView, Share
from expenses.payments.schemas import Ending, NewRun, Payment
from expenses.users.models import Actor
from expenses.web.dependencies import (
    ConnectionDependency,
    SettingsDependency,
)
from expenses.web.openapi import read_problems, with_links, write_problems
from expenses.web.pagination import Cursor, decode_cursor, encode_cursor
from expenses.web.scopes import PayerDependency, ReaderDependency

router = APIRouter(prefix="/api/payment-runs", tags=["payments"])
ONE = "/{run_id:int}"
STEPS = ("confirm_payment_run", "pay_payment_run", "cancel_payment_run", "void_payment_run")

Amount = Annotated[str, Field(examples=["412.50"])]


class DueAnswer(BaseModel):
    currency: str
    tickets: int
    amount: Amount
    since: datetime = Field(description="When the first of them was approved.")

    @classmethod
    def of(cls, due: Due) -> "DueAnswer":
        amount = str(with_decimals(due.amount, due.currency))
        return cls.model_validate(due._asdict() | {"amount": amount})


class DueList(BaseModel):
    items: list[DueAnswer]


class RunAnswer(BaseModel):
    id: int
    number: str = Field(examples=["2026-007"])
    currency: str
    status: RunStatus
    tickets: int
    amount: Amount
    paid_tickets: int
    paid_amount: Amount
    created_by: str
    created_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    paid_on: date | None
    reference: str | None
    ended_by: str | None = Field(description="Who cancelled or voided it.")
    ended_at: datetime | None
    reason: str | None

    @classmethod
    def of(cls, run: RunView) -> "RunAnswer":
        return cls.model_validate(
            run._asdict()
            | {
                "amount": str(with_decimals(run.amount, run.currency)),
                "paid_amount": str(with_decimals(run.paid_amount, run.currency)),
                "created_by": run.created_by_username,
                "confirmed_by": run.confirmed_by_username,
                "ended_by": run.ended_by_username,
            }
        )


class RunList(BaseModel):
    """`next` is the cursor of the page after this one; null at the end."""

    items: list[RunAnswer]
    next: str | None


class ShareAnswer(BaseModel):
    """What one employee gets; of a suspended one only the sum is shown."""

    employee: Person | None
    tickets: int
    amount: Amount
    unpaid_tickets: int
    in_cash: bool
    payout: PayoutAnswer | None = Field(description="Where they are paid; null for nowhere yet.")

    @classmethod
    def of(cls, share: Share, currency: str) -> "ShareAnswer":
        hides, payout = share.is_hidden, share.payout
        return cls(
            employee=None if hides else Person(id=share.owner_id, username=share.username),
            payout=None if hides or payout is None else PayoutAnswer(**payout._asdict()),
            tickets=share.tickets,
            amount=str(with_decimals(share.amount, currency)),
            unpaid_tickets=share.unpaid_tickets,
            in_cash=share.in_cash,
        )


class RunDetails(RunAnswer):
    shares: list[ShareAnswer]


class NewRunAnswer(RunDetails):
    """`elsewhere` is how many of the tickets are in another run, or not due."""

    elsewhere: int


class ConfirmedAnswer(RunAnswer):
    """`left_out` is how many tickets were reopened or hidden since the run was drafted."""

    left_out: int


@router.get("/due", responses=read_problems(Forbidden))
async def list_due(connection: ConnectionDependency, user: ReaderDependency) -> DueList:
    """What is due in each currency and in no run yet."""
    return DueList(items=[DueAnswer.of(due) for due in await queries.due(connection, actor=user)])


@router.get("", responses=read_problems(Forbidden, InvalidInput))
async def list_payment_runs(
    connection: ConnectionDependency,
    user: ReaderDependency,
    status: RunStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Cursor | None = None,
) -> RunList:
    """All payment runs, the newest first."""
    page = await queries.list_runs(
        connection, actor=user, status=status, before=decode_cursor(cursor), limit=limit
    )
    return RunList(
        items=[RunAnswer.of(run) for run in page.items], next=encode_cursor(page.next_before)
    )


@router.post(
    "",
    status_code=201,
    responses=with_links(
        write_problems(Forbidden, InvalidInput, IdempotencyKeyReused, NothingDue),
        201,
        "get_payment_run",
        "payment_run_tickets",
        *STEPS,
        run_id="id",
    ),
)
async def create_payment_run(
    body: NewRun,
    response: Response,
    connection: ConnectionDependency,
    user: PayerDependency,
    settings: SettingsDependency,
    idempotency_key: IdempotencyKey = None,
) -> NewRunAnswer:
    """Draft a payment run of what is due in a currency; no other run gets its tickets."""
    created = await drafting.create_run(
        connection, body, actor=user, settings=settings, idempotency_key=idempotency_key
    )
    response.headers["Location"] = f"/api/payment-runs/{created.run_id}"
    run = await _details(connection, created.run_id, user)
    return NewRunAnswer(**run.model_dump(), elsewhere=created.elsewhere)


@router.get(ONE, responses=read_problems(Forbidden, NotFound))
async def get_payment_run(
    run_id: int, connection: ConnectionDependency, user: ReaderDependency
) -> RunDetails:
    """One payment run, with what each employee gets."""
    return await _details(connection, run_id, user)


@router.get(f"{ONE}/tickets", responses=read_problems(Forbidden, NotFound, InvalidInput))
async def payment_run_tickets(
    run_id: int,
    connection: ConnectionDependency,
    user: ReaderDependency,
    employee: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Cursor | None = None,
) -> TicketList:
    """The tickets of a payment run, oldest first."""
    await queries.get_run(connection, run_id, actor=user)
    tickets = await queries.tickets_of(
        connection,
        run_id,
        actor=user,
        owner_id=employee,
        after=decode_cursor(cursor) or 0,
        limit=limit + 1,
    )
    last = tickets[limit - 1].id if len(tickets) > limit else None
    return {
        "items": [ticket_answer(ticket) for ticket in tickets[:limit]],
        "next": encode_cursor(last),
    }


@router.delete(
    f"{ONE}/tickets/{{ticket_id:int}}",
    status_code=204,
    responses=write_problems(Forbidden, NotFound, RunChanged),
)
async def take_out_ticket(
    run_id: int, ticket_id: int, connection: ConnectionDependency, user: PayerDependency
) -> None:
    """Take an unpaid ticket out of a run; it is due again."""
    await actions.take_out(connection, run_id, ticket_id, actor=user)


@router.post(
    f"{ONE}/confirm",
    responses=write_problems(Forbidden, OwnTicket, NotFound, RunChanged, NothingDue),
)
async def confirm_payment_run(
    run_id: int,
    connection: ConnectionDependency,
    user: PayerDependency,
    settings: SettingsDependency,
) -> ConfirmedAnswer:
    """Confirm a draft: its tickets cannot be reopened any more."""
    confirmed = await actions.confirm_run(connection, run_id, actor=user, settings=settings)
    run = await queries.get_run(connection, run_id, actor=user)
    return ConfirmedAnswer(**RunAnswer.of(run).model_dump(), left_out=confirmed.left_out)


@router.post(
    f"{ONE}/pay",
    responses=write_problems(Forbidden, OwnTicket, NotFound, RunChanged, NothingDue, InvalidInput),
)
async def pay_payment_run(
    run_id: int,
    body: Payment,
    connection: ConnectionDependency,
    user: PayerDependency,
    settings: SettingsDependency,
) -> RunAnswer:
    """Note that a confirmed run was paid, or some of its tickets."""
    await actions.pay_run(connection, run_id, body, actor=user, settings=settings)
    return RunAnswer.of(await queries.get_run(connection, run_id, actor=user))


@router.post(
    f"{ONE}/cancel",
    responses=write_problems(Forbidden, NotFound, RunChanged, PartlyPaid, InvalidInput),
)
async def cancel_payment_run(
    run_id: int, body: Ending, connection: ConnectionDependency, user: PayerDependency
) -> RunAnswer:
    """Cancel a run that is not paid: its tickets are due again."""
    await actions.cancel_run(connection, run_id, body.reason, actor=user)
    return RunAnswer.of(await queries.get_run(connection, run_id, actor=user))


@router.post(f"{ONE}/void", responses=write_problems(Forbidden, NotFound, RunChanged, InvalidInput))
async def void_payment_run(
    run_id: int, body: Ending, connection: ConnectionDependency, user: PayerDependency
) -> RunAnswer:
    """Void a paid run whose payment did not happen: its tickets are due again."""
    await actions.void_run(connection, run_id, body.reason, actor=user)
    return RunAnswer.of(await queries.get_run(connection, run_id, actor=user))


async def _details(connection: AsyncConnection, run_id: int, user: Actor) -> RunDetails:
    run = await queries.get_run(connection, run_id, actor=user)
    shares = await queries.shares_of(connection, run_id, actor=user)
    return RunDetails(
        **RunAnswer.of(run).model_dump(),
        shares=[ShareAnswer.of(share, run.currency) for share in shares],
    )
