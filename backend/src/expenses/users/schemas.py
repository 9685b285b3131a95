"""E-mails, usernames and passwords as they come in. All doors share these types."""

from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from expenses.i18n.text import N_, Line


def _hashable(password: str) -> str:
    if "\0" in password or (not password.isascii() and _has_surrogates(password)):
        raise ValueError(N_("This password contains a character that is not allowed."))
    return password


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


Email = Annotated[EmailStr, StringConstraints(max_length=254)]
Username = Annotated[Line, Field(min_length=1, max_length=80)]

# Only what hashing can take at all: what makes a password good enough is said by
# `passwords.ensure_acceptable`, which needs the e-mail too.
Password = Annotated[
    str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_hashable)
]

SuspensionReason = Annotated[Line, Field(max_length=500)]
