"""The page "My tickets": its query and what it shows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlencode

from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from expenses.portal.fields import form_context
from expenses.portal.filling import chosen
from expenses.portal.hints import Hint, receipt_hint
from expenses.receipts.claims import claims_of
from expenses.receipts.queries import ReceiptView, receipts_and_drafts_of
from expenses.tickets import lists
from expenses.tickets.counts import COUNT_LIMIT, STATUSES, count_by_status
from expenses.tickets.filters import Sort, TicketFilter
from expenses.tickets.summary import Summary, by_month, summarize
from expenses.users.sessions import CurrentUser
from expenses.web.dependencies import settings_of
from expenses.web.filters import FilterQuery, status_of_tab
from expenses.web.pages.forms import FormValues
from expenses.web.pages.rendering import render
from expenses.web.pagination import decode_position, encode_position
from expenses.web.validation import parse

LIST = "/tickets"
ALL = "all"
PAGE_SIZE = 20
NEWEST_FIRST = Sort.DATE_LAST

Tab = Literal["all", "pending", "approved", "due", "paid", "denied", "withdrawn"]


# What PostgreSQL and Python both have, in each time zone.
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9999, 12, 30, tzinfo=UTC)),
]


class Listing(FilterQuery):
    """The query of the list; by default all own tickets, newest first."""

    status: Tab = "all"
    # Only what has been decided since then.
    decided_since: Moment | None = None
    cursor: str | None = None

    @classmethod
    def of(cls, query: QueryParams) -> Self:
        """Read only the parameters that the page has inputs for. Raises `InvalidInput`."""
        return parse(
            cls,
            {
                name: query[name]
                for name in ("q", "status", "decided_since", "cursor")
                if name in query
            },
        )

    async def resolved(self, connection: AsyncConnection, *, actor: CurrentUser) -> TicketFilter:
        found = await self.resolve(connection, actor=actor, status=status_of_tab(self.status))
        return replace(found, decided_since=self.decided_since)

    @property
    def is_plain(self) -> bool:
        """Say whether the page is for filing, not for searching."""
        return self == Listing()

    def address(self, **changes: str | None) -> str:
        """Return the address of the same query with some parts changed, from its first page on."""
        return _address(LIST, self._asked | changes)

    def export_address(self, kind: str) -> str:
        """Return the address of the file with everything that is listed."""
        return _address(f"{LIST}/export.{kind}", self._asked)

    @property
    def _asked(self) -> dict[str, str | None]:
        since = None if self.decided_since is None else self.decided_since.isoformat()
        return {"q": self.q, "status": self.status, "decided_since": since}


async def tickets_page(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    values: FormValues,
    errors: dict[str, str] | None = None,
    *,
    summary: Summary | None = None,
    listing: Listing | None = None,
    hints: list[Hint] | None = None,
    is_filing: bool = False,
    status: int = 200,
) -> Response:
    """Render the page with the form filled in with `values`."""
    listing = listing or Listing()
    summary = summary or await summarize(connection, actor=user, today=settings_of(request).today())
    tickets = await _tickets(connection, user, listing, summary)
    query = request.query_params
    return render(
        request,
        "tickets.html",
        status_code=status,
        listing=listing,
        q=query.get("q", ""),
        is_filing=is_filing or "new" in query or "copy" in query or bool(errors or hints),
        filed=query.get("filed"),
        hints=hints or [],
        statuses=STATUSES,
        count_limit=COUNT_LIMIT,
        summary=summary,
        **tickets,
        **await _drafts(request, connection, user, values, tickets["receipts"][None]),
        **form_context(values, errors),
    )


async def _tickets(
    connection: AsyncConnection, user: CurrentUser, listing: Listing, summary: Summary
) -> dict[str, Any]:
    position = decode_position(listing.cursor, NEWEST_FIRST)
    matching = await listing.resolved(connection, actor=user)
    page = await lists.list_tickets(
        connection,
        actor=user,
        matching=matching,
        sort=NEWEST_FIRST,
        position=position,
        limit=PAGE_SIZE,
    )
    ids = [ticket.id for ticket in page.items]
    return {
        "receipts": await receipts_and_drafts_of(connection, ids, actor=user),
        "months": await by_month(connection, page.items, actor=user, matching=matching),
        "previous_cursor": encode_position(page.previous, NEWEST_FIRST),
        "next_cursor": encode_position(page.next, NEWEST_FIRST),
        "counts": (
            summary.counts
            if matching.is_indexed
            else await count_by_status(connection, actor=user, matching=matching)
        ),
    }


async def _drafts(
    request: Request,
    connection: AsyncConnection,
    user: CurrentUser,
    values: FormValues,
    drafts: list[ReceiptView],
) -> dict[str, Any]:
    """Return the receipts of the form, and those that wait for another ticket."""
    of_form = chosen(drafts, values)
    return {
        "drafts": of_form,
        "waiting": [draft for draft in drafts if draft not in of_form],
        "claims": await claims_of(connection, of_form, actor=user),
        "receipt_hint": receipt_hint(values, settings_of(request)),
    }


def _address(path: str, parts: Mapping[str, str | None]) -> str:
    asked = {name: value for name, value in parts.items() if value and value != ALL}
    return f"{path}?{urlencode(asked)}" if asked else path
