"""Amounts and currencies."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated

from babel.core import get_global
from babel.numbers import get_territory_currencies
from pydantic import AfterValidator, Field

from expenses.text import N_

LARGEST_AMOUNT = Decimal("9999999999.99")
CENT = Decimal("0.01")


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes that are legal tender somewhere today, from the Unicode CLDR."""
    today = datetime.now(UTC).date()
    return frozenset(
        code
        for territory in get_global("territory_currencies")
        for code in get_territory_currencies(territory, today, today)
    )


def _known_currency(code: str) -> str:
    if code not in currencies():
        raise ValueError(N_("Use a three-letter ISO 4217 code such as USD, EUR or CNY."))
    return code


def _two_decimals(amount: Decimal) -> Decimal:
    return amount.quantize(CENT)


Currency = Annotated[str, AfterValidator(_known_currency)]
"""A currency in use today; the name is upper case."""

Amount = Annotated[
    Decimal,
    Field(gt=0, le=LARGEST_AMOUNT, decimal_places=2, allow_inf_nan=False),
    AfterValidator(_two_decimals),
]
"""What was paid, exact, always with two decimals."""
