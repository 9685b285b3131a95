"""Amounts and currencies."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated

from babel.core import get_global
from babel.numbers import get_territory_currencies
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from expenses.i18n.text import N_

MAX_AMOUNT = Decimal("9999999999.99")
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


def _plainly_written(value: object) -> object:
    """No exponents, no signs that only some know for digits; a float without its noise."""
    if isinstance(value, str) and not re.fullmatch(r"\s*-?[0-9]+(\.[0-9]+)?\s*", value):
        raise PydanticCustomError("decimal_parsing", "not a number")
    return Decimal(str(round(value, 9))) if isinstance(value, float) else value


Currency = Annotated[
    str,
    AfterValidator(_known_currency),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["USD"]}),
]
"""A currency in use today; the name is upper case."""

Amount = Annotated[
    Decimal,
    Field(gt=0, le=MAX_AMOUNT, decimal_places=2, allow_inf_nan=False),
    BeforeValidator(_plainly_written),
    AfterValidator(_two_decimals),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": r"^(0\.(0[1-9]|[1-9][0-9]?)|[1-9][0-9]{0,9}(\.[0-9]{1,2})?)$",
                },
                {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": float(MAX_AMOUNT),
                    "multipleOf": 0.01,
                },
            ],
            "examples": ["12.50"],
        }
    ),
]
"""What was paid, exact, always with two decimals."""
