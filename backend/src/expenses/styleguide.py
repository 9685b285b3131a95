"""The demo's page that shows every component of the pages in every state."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from fastapi import APIRouter, Request, Response

from expenses.console.overview_lines import Line
from expenses.errors import InvalidInput
from expenses.i18n.text import N_
from expenses.payments.models import RunStatus
from expenses.receipts.papers import Papers
from expenses.tickets.counts import STATUSES, Count, Counts, Totals
from expenses.tickets.duplicates import Duplicate, Similarity
from expenses.tickets.events import EventView
from expenses.tickets.models import Category, TicketStatus
from expenses.tickets.overview import Figure
from expenses.tickets.queries import TicketView
from expenses.web.pages import assets, templating
from expenses.web.pages.rendering import flash, render

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DANA, LINA = "Dana Whitfield", "李娜"
REASON = "The receipt is missing"
STYLES = (Path(assets.__file__).parent / "static" / "app.css").read_text(encoding="utf-8")
TEMPLATES = [path for folder in templating.FOLDERS for path in folder.rglob("*.html")]

router = APIRouter(include_in_schema=False)


@router.get("/styleguide")
async def styleguide(request: Request) -> Response:
    flash(request, "Ticket 1042 is filed.")
    flash(request, "Select some tickets first.", "warning")
    flash(request, "The database became busy.", "danger")
    return render(
        request,
        "styleguide.html",
        colours=tokens("light-dark"),
        sizes=[name for name in tokens("") if name.startswith("text-")],
        spaces=[name for name in tokens("") if name.startswith("space-")],
        icons=icons(),
        statuses=list(TicketStatus),
        runs=list(RunStatus),
        tickets=[ticket(place, status) for place, status in enumerate(TicketStatus, 1042)],
        alike=[Duplicate(1001, Similarity.PURCHASE), Duplicate(1002, Similarity.LINK)],
        papers=Papers({}, {}, {}, lacking={1042}),
        events=events(),
        counts=Counts({status: Count(place) for place, status in enumerate((*STATUSES, None), 3)}),
        totals=Totals(Count(3), {"EUR": Decimal(547), "JPY": Decimal(12_000)}),
        lines=[line(name, place) for place, name in enumerate(("September", "October", LINA))],
        errors=InvalidInput({"wrong": N_("Required.")}).fields,
        reasons=[REASON, "Not a business trip"],
        same=lambda *_, **__: "/styleguide",
    )


def tokens(beginning: str) -> list[str]:
    """Return the style sheet's variables whose values begin so."""
    return re.findall(rf"^  --(?!tblr)([\w-]+): {beginning}", STYLES, re.MULTILINE)


def icons() -> list[str]:
    """Return the icons that templates name."""
    found = (re.findall(r'icon\("([\w-]+)"', path.read_text("utf-8")) for path in TEMPLATES)
    return sorted({name for names in found for name in names})


def ticket(number: int, status: TicketStatus) -> TicketView:
    is_decided = status in {TicketStatus.APPROVED, TicketStatus.DENIED}
    return TicketView(
        id=number,
        owner_id=number,
        owner_username=LINA,
        owner_email="lina@contoso.example",
        spent_on=date(2026, 11, 20),
        amount=Decimal("1247.50"),
        currency="EUR",
        category=Category.TRAVEL,
        description="Train to Turin, for the fair",
        merchant="Trenitalia",
        links=["https://receipts.example.com/1042"],
        status=status,
        decided_by_id=1 if is_decided else None,
        decided_by_username=DANA if is_decided else None,
        decided_at=NOON if is_decided else None,
        decision_reason=REASON if status is TicketStatus.DENIED else None,
        paid_at=NOON if status is TicketStatus.APPROVED else None,
        created_at=NOON,
        updated_at=NOON,
    )


def events() -> list[EventView]:
    changed = {"before": {"amount": "1200.00"}, "after": {"amount": "1247.50"}}
    return [
        EventView(1, NOON, "ticket.created", 2, LINA, {}),
        EventView(2, NOON, "ticket.edited", 2, LINA, changed),
        EventView(3, NOON, "ticket.denied", 1, DANA, {"reason": REASON}),
    ]


def line(name: str, place: int) -> Line:
    return Line(
        name, {"EUR": Figure(place, Decimal(place * 400))}, "/admin/ticket/list?status=approved"
    )
