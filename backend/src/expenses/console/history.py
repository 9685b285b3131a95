"""The page with the history of everything."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqladmin import BaseView, expose
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from expenses.console.actions import LABELS, verb_of
from expenses.console.authentication import user_of
from expenses.console.queue import address
from expenses.database.tables import MAX_ID
from expenses.errors import InvalidInput
from expenses.i18n.lines import Line
from expenses.i18n.text import N_
from expenses.settings import Settings
from expenses.tickets.events import Action, EventFilter, HistoryPage, list_events
from expenses.tickets.queries import TicketView, views_of
from expenses.tickets.schemas import Day
from expenses.users.models import Actor
from expenses.users.queries import find_users_named, search_users
from expenses.web.dependencies import database_of, settings_of
from expenses.web.pages.forms import FormValues
from expenses.web.pages.rendering import render
from expenses.web.pagination import decode_cursor, encode_cursor
from expenses.web.validation import parse

HISTORY = "/admin/history"
PAGE_SIZE = 50
MOST_SUGGESTIONS = 10


def _ticket_number(text: str) -> int:
    digits = text.strip().removeprefix("#")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) < 20
    if not is_number or not 0 < int(digits) <= MAX_ID:
        raise ValueError(N_("Use the number of a ticket, such as 1042."))
    return int(digits)


PersonName = Annotated[Line, Field(max_length=254)]
TicketNumber = Annotated[int, BeforeValidator(_ticket_number)]


class HistoryQuery(BaseModel):
    """The names are those of the address; `actor` and `user` are a name or an e-mail."""

    model_config = ConfigDict(populate_by_name=True)

    actor: PersonName | None = None
    action: Action | None = None
    user: PersonName | None = None
    ticket: TicketNumber | None = None
    first_date: Annotated[Day | None, Field(alias="from")] = None
    last_date: Annotated[Day | None, Field(alias="to")] = None
    cursor: str | None = None

    async def resolve(
        self, connection: AsyncConnection, *, actor: Actor, settings: Settings
    ) -> EventFilter:
        """Raises `InvalidInput` for an unknown name and for a range that ends before it begins."""
        if self.first_date and self.last_date and self.first_date > self.last_date:
            raise InvalidInput({"to": N_("The range ends before it begins.")})
        return EventFilter(
            actor_id=await _id_of(connection, "actor", self.actor, actor=actor),
            action=self.action,
            ticket_id=self.ticket,
            user_id=await _id_of(connection, "user", self.user, actor=actor),
            since=_beginning(self.first_date, settings),
            until=_beginning(_day_after(self.last_date), settings),
        )


class PeopleQuery(BaseModel):
    q: PersonName = ""


class HistoryView(BaseView):
    name = "History"

    @expose("/history", methods=["GET"], identity="history")
    async def history(self, request: Request) -> Response:
        """Show nothing but a message where the address asks for something unreadable."""
        page, errors = HistoryPage([], None), {}
        tickets: dict[int, TicketView] = {}
        try:
            page, tickets = await _page(request)
        except InvalidInput as error:
            errors = error.fields
        return render(
            request,
            "console/history.html",
            status_code=422 if errors else 200,
            errors=errors,
            tickets=tickets,
            **_context(request, page),
        )

    @expose("/history/people", methods=["GET"], identity="history-people")
    async def people(self, request: Request) -> Response:
        """Names to choose from while one types."""
        text = parse(PeopleQuery, request.query_params).q
        async with database_of(request).reading() as connection:
            found = await search_users(
                connection, text, actor=user_of(request), limit=MOST_SUGGESTIONS
            )
        items = [{"username": user.username, "email": user.email} for user in found]
        return JSONResponse({"items": items})


async def _page(request: Request) -> tuple[HistoryPage, dict[int, TicketView]]:
    """Return events, and the tickets that they are about."""
    # A form sends its empty inputs, too.
    asked = {name: value for name, value in request.query_params.items() if value.strip(" ")}
    query, actor = parse(HistoryQuery, asked), user_of(request)
    before = decode_cursor(query.cursor)
    async with database_of(request).reading() as connection:
        matching = await query.resolve(connection, actor=actor, settings=settings_of(request))
        page = await list_events(
            connection, actor=actor, matching=matching, before=before, limit=PAGE_SIZE
        )
        numbers = {event.ticket_id for event in page.items if event.ticket_id is not None}
        tickets = await views_of(connection, sorted(numbers), actor=actor)
    return page, {ticket.id: ticket for ticket in tickets}


def _context(request: Request, page: HistoryPage) -> dict[str, Any]:
    query = request.query_params
    older = encode_cursor(page.next_before)
    return {
        "events": page.items,
        "actions": tuple(Action),
        "labels": LABELS,
        "verb_of": verb_of,
        "values": FormValues(query),
        "filtered": any(value for name, value in query.items() if name != "cursor"),
        "newest": address(query, HISTORY, cursor=None) if query.get("cursor") else None,
        "older": address(query, HISTORY, cursor=older) if older else None,
    }


async def _id_of(
    connection: AsyncConnection, field: str, name: str | None, *, actor: Actor
) -> int | None:
    if name is None:
        return None
    found = await find_users_named(connection, name, actor=actor)
    if not found:
        raise InvalidInput({field: N_("Nobody has this name or e-mail.")})
    if len(found) > 1:
        raise InvalidInput({field: N_("Several people have this name. Use the e-mail instead.")})
    return found[0]


def _beginning(day: date | None, settings: Settings) -> datetime | None:
    """Return the midnight that begins a day in the company's time zone."""
    return None if day is None else datetime.combine(day, time(), settings.timezone)


def _day_after(day: date | None) -> date | None:
    """None also after the calendar's last day: nothing happens later than that."""
    return None if day in (None, date.max) else day + timedelta(days=1)
