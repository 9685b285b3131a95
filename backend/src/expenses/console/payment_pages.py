"""The two pages of payments: what is due with all runs, and a run with its tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from expenses.console.authentication import user_of
from expenses.console.queue import address
from expenses.i18n.languages import ngettext
from expenses.payments import queries
from expenses.payments.drafting import Created
from expenses.payments.models import RunStatus
from expenses.payments.policy import can_confirm
from expenses.payments.queries import Share
from expenses.payments.schemas import MAX_LINES, TicketId
from expenses.web.dependencies import database_of, settings_of
from expenses.web.filters import OrEmpty
from expenses.web.pages.forms import FormValues
from expenses.web.pages.rendering import render
from expenses.web.pagination import decode_cursor, encode_cursor
from expenses.web.validation import parse

LIST = "/admin/payments"
PAGE_SIZE = 50
OPEN = (RunStatus.DRAFT, RunStatus.CONFIRMED)


class Listing(BaseModel):
    """What the address of the list may say."""

    status: OrEmpty[RunStatus] = None
    cursor: OrEmpty[str] = None


class OfRun(BaseModel):
    """Which of a run's tickets its page shows."""

    employee: OrEmpty[TicketId] = None
    cursor: OrEmpty[str] = None


@dataclass(frozen=True)
class Shares:
    """What each employee gets, and what those get together whose tickets are hidden."""

    shown: Sequence[Share]
    hidden: Sequence[Share]

    @property
    def hidden_tickets(self) -> int:
        return sum(share.tickets for share in self.hidden)

    @property
    def hidden_amount(self) -> Decimal:
        return sum((share.amount for share in self.hidden), Decimal())


async def list_page(
    request: Request,
    status_code: int = 200,
    *,
    form: FormValues | None = None,
    errors: dict[str, str] | None = None,
    refusal: str | None = None,
) -> Response:
    query, actor = request.query_params, user_of(request)
    listing = parse(Listing, query)
    async with database_of(request).reading() as connection:
        due = await queries.due(connection, actor=actor)
        page = await queries.list_runs(
            connection,
            actor=actor,
            status=listing.status,
            before=decode_cursor(listing.cursor),
            limit=PAGE_SIZE,
        )
    older = encode_cursor(page.next_before)
    return render(
        request,
        "console/payments.html",
        status_code=status_code,
        due=due,
        runs=page.items,
        statuses=tuple(RunStatus),
        tab=listing.status or "",
        today=settings_of(request).today(),
        most=MAX_LINES,
        newest=address(query, LIST, cursor=None) if listing.cursor else None,
        older=address(query, LIST, cursor=older) if older else None,
        form=form or FormValues(),
        errors=errors or {},
        refusal=refusal,
    )


async def run_page(
    request: Request,
    run_id: int,
    status_code: int = 200,
    *,
    form: FormValues | None = None,
    errors: dict[str, str] | None = None,
    refusal: str | None = None,
) -> Response:
    """Render a run as it is now. Raises `NotFound`."""
    query, actor, settings = request.query_params, user_of(request), settings_of(request)
    asked = parse(OfRun, query)
    async with database_of(request).reading() as connection:
        run = await queries.get_run(connection, run_id, actor=actor)
        shares = await queries.shares_of(connection, run_id, actor=actor)
        tickets = await queries.tickets_of(
            connection,
            run_id,
            actor=actor,
            owner_id=asked.employee,
            after=decode_cursor(asked.cursor) or 0,
            limit=PAGE_SIZE + 1,
        )
    here = f"{LIST}/{run_id}"
    following = encode_cursor(tickets[PAGE_SIZE - 1].id) if len(tickets) > PAGE_SIZE else None
    return render(
        request,
        "console/payment.html",
        status_code=status_code,
        run=run,
        shares=Shares(
            [share for share in shares if not share.is_hidden],
            [share for share in shares if share.is_hidden],
        ),
        tickets=tickets[:PAGE_SIZE],
        employee=asked.employee,
        is_open=run.status in OPEN,
        pays_oneself=any(share.owner_id == actor.id for share in shares if share.unpaid_tickets),
        may_confirm=can_confirm(actor, run.created_by_id, settings),
        today=settings.today(),
        first=address(query, here, cursor=None) if asked.cursor else None,
        following=address(query, here, cursor=following) if following else None,
        form=form or FormValues(),
        errors=errors or {},
        refusal=refusal,
        sends_mails=settings.smtp_url is not None,
    )


def drafted(run: Created) -> str:
    return ngettext(
        "Payment run %(run)s is drafted with %(num)s ticket.",
        "Payment run %(run)s is drafted with %(num)s tickets.",
        run.tickets,
        run=run.number,
    )
