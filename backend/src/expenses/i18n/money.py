"""Amounts and currencies."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from babel.core import get_global
from babel.numbers import get_currency_precision, get_territory_currencies
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from expenses.errors import InvalidInput
from expenses.i18n.languages import gettext
from expenses.i18n.text import N_

MAX_AMOUNT = Decimal("9999999999.99")
# No currency in use has more.
MAX_DECIMALS = 3


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes that are legal tender somewhere today, from the Unicode CLDR."""
    today = datetime.now(UTC).date()
    return frozenset(
        code
        for territory in get_global("territory_currencies")
        for code in get_territory_currencies(territory, today, today)
    )


def currencies_by_decimals() -> dict[int, list[str]]:
    """Group the currencies by how many decimals they have."""
    found: dict[int, list[str]] = {}
    for code in sorted(currencies()):
        found.setdefault(get_currency_precision(code), []).append(code)
    return found


def with_decimals(amount: Decimal, currency: str) -> Decimal:
    """Write an amount with the decimals of its currency, or all of its own if they are more."""
    fitting = amount.quantize(_unit(get_currency_precision(currency)))
    return fitting if fitting == amount else amount


def ensure_fits_currency(amount: Decimal, currency: str) -> None:
    """Raises `InvalidInput` for 20.50 yen."""
    decimals = get_currency_precision(currency)
    if amount == round(amount, decimals):
        return
    raise InvalidInput(
        {
            "amount": (
                gettext(
                    "Use at most %(number)s decimals: amounts in %(currency)s have no more.",
                    number=decimals,
                    currency=currency,
                )
                if decimals
                else gettext(
                    "Use a whole number: amounts in %(currency)s have no decimals.",
                    currency=currency,
                )
            )
        }
    )


def _unit(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)


def _known_currency(code: str) -> str:
    if code not in currencies():
        raise ValueError(N_("Use a three-letter ISO 4217 code such as USD, EUR or CNY."))
    return code


def _plainly_written(value: object) -> object:
    """No exponents, no signs that only some know for digits; a float without its noise."""
    if isinstance(value, str) and not re.fullmatch(r"\s*-?[0-9]+(\.[0-9]+)?\s*", value):
        raise PydanticCustomError("decimal_parsing", "not a number")
    return Decimal(str(round(value, 9))) if isinstance(value, float) else value


def amount_schema(decimals: int) -> dict[str, Any]:
    """Describe amounts with at most so many decimals; zeros may follow."""
    fraction = f"[0-9]{{1,{decimals}}}0*" if decimals else "0+"
    # One by one, how many zeros come first: what is generated from this is never 0.
    below_1 = "".join(
        rf"0\.0{{{zeros}}}[1-9][0-9]{{0,{decimals - zeros - 1}}}0*|" for zeros in range(decimals)
    )
    return {
        "anyOf": [
            {"type": "string", "pattern": rf"^({below_1}[1-9][0-9]{{0,9}}(\.{fraction})?)$"},
            {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": float(MAX_AMOUNT),
                "multipleOf": float(_unit(decimals)),
            },
        ],
        "examples": ["12.50" if decimals else "12"],
    }


Currency = Annotated[
    str,
    AfterValidator(_known_currency),
    WithJsonSchema({"type": "string", "enum": sorted(currencies()), "examples": ["USD"]}),
]
"""A currency in use today; the name is upper case."""

Amount = Annotated[
    Decimal,
    Field(gt=0, le=MAX_AMOUNT, decimal_places=MAX_DECIMALS, allow_inf_nan=False),
    BeforeValidator(_plainly_written),
    WithJsonSchema(amount_schema(MAX_DECIMALS)),
]
"""What was paid, exact. How many decimals it may have depends on the currency."""
