"""What comes in about payment runs. All doors share these types."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from expenses.i18n.lines import VisibleLine
from expenses.i18n.money import Currency
from expenses.tickets.schemas import Day, Reason

MAX_LINES = 10_000

# JSON's numbers are exact up to here.
TicketId = Annotated[int, Field(ge=1, le=2**53 - 1)]
Reference = Annotated[
    VisibleLine, Field(min_length=1, max_length=140, description="What the bank calls the payment.")
]


class NewRun(BaseModel):
    """Everything due in a currency, up to a date if one is given, or some tickets alone."""

    model_config = ConfigDict(extra="forbid")

    currency: Currency
    until: Day | None = None
    tickets: Annotated[list[TicketId], Field(min_length=1, max_length=MAX_LINES)] | None = None


class Payment(BaseModel):
    """The whole run, or some of its tickets alone; the others stay confirmed."""

    model_config = ConfigDict(extra="forbid")

    paid_on: Day
    reference: Reference | None = None
    tickets: Annotated[list[TicketId], Field(min_length=1, max_length=MAX_LINES)] | None = None


class Ending(BaseModel):
    """Why a run is cancelled or voided."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
