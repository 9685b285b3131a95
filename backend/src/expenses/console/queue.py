"""The query of the console's ticket list, and addresses that carry it on."""

from typing import Annotated, Literal, Self
from urllib.parse import urlencode

from pydantic import BeforeValidator
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import QueryParams

from expenses.errors import InvalidInput
from expenses.i18n.amounts import read_amount
from expenses.tickets.filters import Position, Sort, TicketFilter
from expenses.tickets.models import TicketStatus
from expenses.tickets.spreadsheets.dates import read_date
from expenses.users.models import Actor
from expenses.web.filters import FilterQuery, status_of_tab
from expenses.web.pagination import decode_position
from expenses.web.validation import parse

LIST = "/admin/ticket/list"

Tab = Literal["pending", "approved", "due", "paid", "denied", "withdrawn", "all"]


class Queue(FilterQuery):
    """The pending tickets, oldest first, unless the address says otherwise."""

    status: Tab = TicketStatus.PENDING.value
    sort: Annotated[Sort | None, BeforeValidator(lambda value: value or None)] = None
    cursor: str | None = None

    @classmethod
    def of(cls, query: QueryParams) -> Self:
        """Read amounts and dates as people type them. Raises `InvalidInput` for what is wrong."""
        values, errors = dict(query), {}
        # What the API calls a payment is a tab here.
        values["status"] = values.pop("payment", "") or values.get("status", "pending")
        for name in ("from", "to", "min", "max"):
            text = values.get(name, "")
            try:
                if text and name in {"from", "to"}:
                    values[name] = read_date(text)
                elif text:
                    values[name], _ = read_amount(text, values.get("currency", ""))
            except ValueError as error:
                errors[name] = str(error)
                del values[name]
        found = parse(cls, values)
        if errors:
            raise InvalidInput(errors)
        return found

    @property
    def order(self) -> Sort:
        """Return the sort order: pending tickets oldest first, others newest first."""
        if self.sort is not None:
            return self.sort
        return Sort.FILED if self.status == "pending" else Sort.FILED_LAST

    @property
    def position(self) -> Position | None:
        return decode_position(self.cursor, self.order)

    @property
    def question(self) -> str:
        """Write the filters and the order as an address does, always in the same way."""
        parts = self.model_dump(mode="json", by_alias=True, exclude={"cursor"})
        return str(QueryParams({name: value for name, value in parts.items() if value}))

    async def filter(self, connection: AsyncConnection, *, actor: Actor) -> TicketFilter:
        return await self.resolve(connection, actor=actor, status=status_of_tab(self.status))


def address(query: QueryParams, path: str = LIST, **changes: str | None) -> str:
    """Return the address of the same query at `path` with some parts changed.

    Parts that are None or empty are left out.
    """
    parts = dict(query) | changes
    asked = urlencode({name: value for name, value in parts.items() if value})
    return f"{path}?{asked}" if asked else path
