"""Payout details as they come in. All doors share these types."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from schwifty import BIC, IBAN
from schwifty.exceptions import (
    InvalidChecksumDigits,
    InvalidCountryCode,
    InvalidLength,
    SchwiftyException,
)

from expenses.errors import InvalidInput
from expenses.i18n.lines import Name, VisibleLine
from expenses.i18n.text import N_
from expenses.payments.payout import PayoutDetails
from expenses.users.schemas import Password

# As long as ISO 20022 takes them.
MAX_NAME = 140
MAX_ACCOUNT = 34


def _without_spaces(value: object) -> object:
    """Write as a bank does; a field that was left empty was not filled in."""
    if not isinstance(value, str):
        return value
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", value)).upper() or None


def _nothing(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _iban(text: str) -> str:
    try:
        return IBAN(text).compact
    except InvalidCountryCode:
        problem = N_("No country's IBANs begin with these letters.")
    except InvalidLength:
        problem = N_("This IBAN is too short or too long for its country.")
    except InvalidChecksumDigits:
        problem = N_("The check digits do not match: there is a typing error in this IBAN.")
    except SchwiftyException:
        problem = N_("Use an IBAN such as DE89 3704 0044 0532 0130 00.")
    raise ValueError(problem)


def _bic(text: str) -> str:
    try:
        return BIC(text).compact
    except InvalidCountryCode:
        problem = N_("No country has this BIC's fifth and sixth letter.")
    except SchwiftyException:
        problem = N_("Use a BIC of 8 or 11 characters, such as COBADEFFXXX.")
    raise ValueError(problem)


def _account(text: str) -> str:
    if not re.fullmatch(rf"[0-9A-Z-]{{5,{MAX_ACCOUNT}}}", text):
        raise ValueError(N_("Use 5 to 34 digits or letters."))
    return text


Iban = Annotated[
    str,
    AfterValidator(_iban),
    Field(max_length=MAX_ACCOUNT, examples=["DE89 3704 0044 0532 0130 00"]),
]
Bic = Annotated[str, AfterValidator(_bic), Field(examples=["COBADEFFXXX"])]
Account = Annotated[str, AfterValidator(_account), Field(examples=["6222 0212 3456 7890 123"])]
Spaceless = BeforeValidator(_without_spaces)


class NewPayout(BaseModel):
    """An IBAN, with a BIC or without, or an account number and its bank."""

    model_config = ConfigDict(extra="forbid")

    holder: Annotated[Name, Field(min_length=1, max_length=MAX_NAME, repr=False)]
    iban: Annotated[Iban | None, Spaceless, Field(repr=False)] = None
    bic: Annotated[Bic | None, Spaceless, Field(repr=False)] = None
    account: Annotated[Account | None, Spaceless, Field(repr=False)] = None
    bank: Annotated[
        Annotated[VisibleLine, Field(max_length=MAX_NAME)] | None,
        BeforeValidator(_nothing),
        Field(repr=False),
    ] = None

    def details(self) -> PayoutDetails:
        """Raises `InvalidInput` that names what does not go with the rest."""
        if self.iban is None and self.account is None:
            problem = {"iban": N_("Enter an IBAN, or an account number and its bank.")}
        elif self.iban is not None and (self.account or self.bank):
            field = "account" if self.account else "bank"
            problem = {field: N_("Enter an IBAN or an account number, not both.")}
        elif self.account is not None and self.bank is None:
            problem = {"bank": N_("Enter the bank of this account.")}
        elif self.iban is None and self.bic is not None:
            problem = {"bic": N_("A BIC goes with an IBAN. Leave it empty.")}
        else:
            return PayoutDetails(self.holder, self.iban, self.bic, self.account, self.bank)
        raise InvalidInput(problem)


class PayoutChange(NewPayout):
    """An IBAN, with a BIC or without, or an account number and its bank; and your password."""

    password: Annotated[Password, Field(repr=False)]
