"""The fields of a ticket as they come in. All doors share these types."""

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

from expenses.i18n.languages import gettext
from expenses.i18n.lines import Line, VisibleLine, VisibleLines
from expenses.i18n.money import Amount, Currency, amount_schema, currencies_by_decimals
from expenses.i18n.text import N_
from expenses.tickets.models import Category

MAX_LINKS = 10
MAX_LINK_LENGTH = 2000
# For programs: what matches is accepted, and so is whatever else a browser can open.
LINK_PATTERN = (
    r"^[Hh][Tt][Tt][Pp][Ss]?://([A-Za-z0-9](-?[A-Za-z0-9])*\.)*[A-Za-z](-?[A-Za-z0-9])*"
    r"(:[0-9]{1,4})?([/?#][^\s\x00-\x1f\x7f-\x9f]*)?$"
)
EARLIEST_DATE = date(1970, 1, 1)
MAY_BE_NULL = {"merchant"}

_web_address = TypeAdapter(HttpUrl)


def _iso_date(value: object) -> object:
    """Accept only "2026-11-23": pydantic would take timestamps and numbers for dates, too."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError(N_("Use a date such as 2026-11-23."))
    if isinstance(value, int | float):
        raise ValueError(N_("Use a date such as 2026-11-23."))
    return value


def _not_too_long_ago(day: date) -> date:
    if day < EARLIEST_DATE:
        raise ValueError(N_("This date is too long ago. Check the year."))
    return day


def _is_web_address(link: str) -> str:
    """Check the address but keep it as typed: people search for what they pasted."""
    try:
        _web_address.validate_python(link)
    except ValidationError:
        link = ""
    if not re.fullmatch(r"https?://\S+", link, re.IGNORECASE):
        raise ValueError(N_("Use a web address that begins with http:// or https://."))
    return link


Day = Annotated[
    date,
    BeforeValidator(_iso_date),
    AfterValidator(_not_too_long_ago),
    Field(json_schema_extra={"pattern": "^(19[7-9]|[2-9][0-9]{2})[0-9]-", "format": "date"}),
]
Description = Annotated[VisibleLines, Field(min_length=1, max_length=500)]
Merchant = Annotated[
    VisibleLine,
    Field(
        min_length=1,
        max_length=120,
        description="Where it was bought.",
        examples=["Northwind Traders"],
    ),
]
Link = Annotated[
    Line,
    Field(max_length=MAX_LINK_LENGTH, json_schema_extra={"pattern": LINK_PATTERN}),
    AfterValidator(_is_web_address),
]
Links = Annotated[list[Link], Field(max_length=MAX_LINKS)]
# Of a denial or a reopening; of an approval where there is one.
Reason = Annotated[VisibleLines, Field(min_length=1, max_length=500)]
FilterName = Annotated[VisibleLine, Field(min_length=1, max_length=60)]


def _with_decimals(schema: dict[str, Any], *, otherwise: dict[str, Any]) -> None:
    """Say how many decimals which currencies have; `otherwise` is for no currency."""
    schema["properties"]["amount"].pop("anyOf")
    schema["properties"]["amount"]["type"] = ["string", "number"]
    schema["anyOf"] = [
        {
            "properties": {"amount": amount_schema(decimals), "currency": {"enum": codes}},
            "required": ["currency"],
        }
        for decimals, codes in currencies_by_decimals().items()
    ] + [otherwise]


def _new_ticket_schema(schema: dict[str, Any]) -> None:
    # The company's own currency, which nearly always has two.
    without = {"properties": {"amount": amount_schema(2), "currency": {"type": "null"}}}
    _with_decimals(schema, otherwise=without)


def _changes_schema(schema: dict[str, Any]) -> None:
    """Take null out of the schema where a field cannot be emptied."""
    for name, field in schema["properties"].items():
        del field["default"]
        if name in MAY_BE_NULL:
            continue
        kinds = [kind for kind in field.pop("anyOf") if kind != {"type": "null"}]
        field.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds})
    without = {"properties": {"amount": amount_schema(3)}, "not": {"required": ["currency"]}}
    _with_decimals(schema, otherwise=without)


class TicketFields(BaseModel):
    """A new ticket; without a currency, the company's is used."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_new_ticket_schema)

    spent_on: Annotated[Day, Field(description="Not after tomorrow, where the company is.")]
    amount: Amount
    currency: Currency | None = None
    category: Category
    description: Description
    merchant: Merchant | None = None
    links: Links = []


class TicketChanges(BaseModel):
    """The fields that an edit changes; the others stay. The merchant is taken out by null."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_changes_schema)

    spent_on: Day | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    category: Category | None = None
    description: Description | None = None
    merchant: Merchant | None = None
    links: Links | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_null(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, value in values.items():
                if value is None and name in cls.model_fields.keys() - MAY_BE_NULL:
                    raise ValueError(
                        gettext("%(name)s cannot be null. Leave it out to keep it.", name=name)
                    )
        return values
