"""What a ticket's fields look like. The doors share these types."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from expenses.i18n.money import Amount, Currency
from expenses.i18n.text import N_, Line, Lines
from expenses.tickets.models import Category

MOST_LINKS = 10
LONGEST_LINK = 2000
EARLIEST_DAY = date(1970, 1, 1)

_web_address = TypeAdapter(HttpUrl)


def _iso_day(value: object) -> object:
    """Only "2026-11-23": the library would also take timestamps and numbers for days."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError(N_("Use a day like 2026-11-23."))
    if isinstance(value, int | float):
        raise ValueError(N_("Use a day like 2026-11-23."))
    return value


def _plausible(day: date) -> date:
    if day < EARLIEST_DAY:
        raise ValueError(N_("This day is too long ago. Check the year."))
    return day


def _is_web_address(link: str) -> str:
    """The address as it was typed; kept so, since people look for what they pasted."""
    try:
        _web_address.validate_python(link)
    except ValidationError:
        link = ""
    if not re.fullmatch(r"https?://\S+", link, re.IGNORECASE):
        raise ValueError(N_("Use a web address that begins with http:// or https://."))
    return link


Day = Annotated[date, BeforeValidator(_iso_day), AfterValidator(_plausible)]
Description = Annotated[Lines, Field(min_length=1, max_length=500)]
Link = Annotated[Line, Field(max_length=LONGEST_LINK), AfterValidator(_is_web_address)]
Links = Annotated[list[Link], Field(max_length=MOST_LINKS)]
# Of a denial or a reopening; of an approval where there is one.
Reason = Annotated[Lines, Field(min_length=1, max_length=500)]


def _without_null(schema: dict[str, Any]) -> None:
    """What is not sent stays as it is; null is not a way to say so."""
    for field in schema["properties"].values():
        del field["default"]
        kinds = [kind for kind in field.pop("anyOf") if kind != {"type": "null"}]
        field.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


class TicketFields(BaseModel):
    """What an owner says of a purchase. Without a currency it is the company's."""

    model_config = ConfigDict(extra="forbid")

    spent_on: Day
    amount: Amount
    currency: Currency | None = None
    category: Category
    description: Description
    links: Links = []


class TicketChanges(BaseModel):
    """The fields that an edit gives new values; the others stay."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_null)

    spent_on: Day | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    category: Category | None = None
    description: Description | None = None
    links: Links | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_null(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, value in values.items():
                if value is None and name in cls.model_fields:
                    raise ValueError(f"{name} cannot be null; leave it out to keep it.")
        return values
