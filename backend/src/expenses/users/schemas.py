"""E-mails, usernames and passwords as they come in. All doors share these types."""

import unicodedata
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
)

from expenses.i18n.lines import Name, VisibleLine
from expenses.i18n.text import N_
from expenses.users.models import Scope
from expenses.users.passwords import MAX_LENGTH, MIN_LENGTH


def _plain(value: object) -> object:
    """Trim, and write the full-width characters of Chinese keyboards as plain ones."""
    return unicodedata.normalize("NFKC", value).strip() if isinstance(value, str) else value


def _hashable(password: str) -> str:
    if "\0" in password or (not password.isascii() and _has_surrogates(password)):
        raise ValueError(N_("This password contains a character that is not allowed."))
    return password


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


Email = Annotated[EmailStr, StringConstraints(max_length=254), BeforeValidator(_plain)]
Username = Annotated[Name, Field(min_length=1, max_length=80)]

# Only what hashing can take at all: what makes a password good enough is said by
# `passwords.ensure_acceptable`, which needs the e-mail too.
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000),
    AfterValidator(_hashable),
    Field(json_schema_extra={"pattern": r"^[^\x00]*$"}),
]
NewPassword = Annotated[
    Password,
    Field(
        json_schema_extra={
            "minLength": MIN_LENGTH,
            "maxLength": MAX_LENGTH,
            "pattern": r"^[^\x00]*$",
            "description": "Neither a common password, nor the e-mail or the name of this site.",
        }
    ),
]

SuspensionReason = Annotated[VisibleLine, Field(max_length=500)]


class NewToken(BaseModel):
    """A token for a program, which lives for `days`; and your password, if you have one."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Name, Field(min_length=1, max_length=80)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    days: Annotated[int, Field(ge=1, le=365)] = 90
    password: Annotated[Password | None, Field(repr=False)] = None
