"""The filters of ticket lists as query parameters, the same for console and API."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import InvalidInput
from expenses.i18n.lines import Line
from expenses.i18n.money import Amount, Currency
from expenses.i18n.text import N_
from expenses.tickets.filters import TicketFilter, searched
from expenses.tickets.models import Category, PaymentStatus, TicketStatus
from expenses.tickets.schemas import Day
from expenses.users.models import Actor
from expenses.users.queries import find_users_named, search_user_ids


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


def _may_be_empty(schema: dict[str, Any]) -> None:
    schema["anyOf"].append({"type": "string", "maxLength": 0})


T = TypeVar("T")

OrEmpty = Annotated[
    T | None, BeforeValidator(_empty_is_none), Field(json_schema_extra=_may_be_empty)
]
"""A filter that counts as left out where it is empty: a form sends its empty inputs too."""


class FilterQuery(BaseModel):
    """Query parameters; `employee` is a name, an e-mail or an id."""

    model_config = ConfigDict(populate_by_name=True)

    q: OrEmpty[Annotated[Line, Field(max_length=200)]] = None
    employee: OrEmpty[Annotated[Line, Field(max_length=254)]] = None
    category: OrEmpty[Category] = None
    merchant: OrEmpty[Annotated[Line, Field(max_length=120)]] = None
    first_date: Annotated[OrEmpty[Day], Field(alias="from")] = None
    last_date: Annotated[OrEmpty[Day], Field(alias="to")] = None
    lowest_amount: Annotated[OrEmpty[Amount], Field(alias="min")] = None
    highest_amount: Annotated[OrEmpty[Amount], Field(alias="max")] = None
    currency: OrEmpty[Currency] = None
    payment: OrEmpty[PaymentStatus] = None

    async def resolve(
        self,
        connection: AsyncConnection,
        *,
        actor: Actor,
        status: TicketStatus | PaymentStatus | None = None,
        owner_id: int | None = None,
    ) -> TicketFilter:
        """Raises `InvalidInput` for ranges that end before they begin, and for unknown names."""
        _ensure_ordered("to", self.first_date, self.last_date)
        _ensure_ordered("max", self.lowest_amount, self.highest_amount)
        if self.employee is not None:
            owner_id = await _employee_id(connection, self.employee, actor=actor)
        search: dict[str, Any] = {}
        if self.q:
            named = await search_user_ids(connection, self.q, actor=actor)
            search = searched(self.q, named)
        return TicketFilter(
            **search,
            status=None if isinstance(status, PaymentStatus) else status,
            owner_id=owner_id,
            category=self.category,
            merchant=self.merchant,
            first_date=self.first_date,
            last_date=self.last_date,
            lowest_amount=self.lowest_amount,
            highest_amount=self.highest_amount,
            currency=self.currency,
            payment=status if isinstance(status, PaymentStatus) else self.payment,
        )


def status_of_tab(tab: str) -> TicketStatus | PaymentStatus | None:
    """Return what a tab of a list shows; None for all of them."""
    if tab == "all":
        return None
    return PaymentStatus(tab) if tab in list(PaymentStatus) else TicketStatus(tab)


def _ensure_ordered(field: str, first: date | Decimal | None, last: date | Decimal | None) -> None:
    if first is not None and last is not None and first > last:  # type: ignore[operator]
        raise InvalidInput({field: N_("The range ends before it begins.")})


async def _employee_id(connection: AsyncConnection, name: str, *, actor: Actor) -> int:
    found = await find_users_named(connection, name, actor=actor)
    if not found:
        raise InvalidInput({"employee": N_("No employee has this name or e-mail.")})
    if len(found) > 1:
        raise InvalidInput(
            {"employee": N_("Several employees have this name. Use the e-mail instead.")}
        )
    return found[0]
