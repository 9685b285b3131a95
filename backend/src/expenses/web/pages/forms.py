"""The values that a page's form has sent, and its files."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from expenses.errors import InvalidInput
from expenses.i18n.text import N_

# A page of tickets, each with its box ticked, and what else a form has.
MAX_FIELDS = 200
# More than a ticket may have, so that a page can say how many it takes.
MAX_FILES = 50


class FormValues(dict[str, str]):
    """The values of a form's inputs; an input that was not sent is empty.

    For a name that was sent several times this has the last value, and `many` has all.
    """

    many: Mapping[str, list[str]] = {}

    def __missing__(self, name: str) -> str:
        return ""


class FilledForm(NamedTuple):
    values: FormValues
    files: Sequence[UploadFile]


async def read_form(request: Request) -> FormValues:
    """The fields of a form; files are left out."""
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        return _values(form)


async def read_form_with_files(request: Request) -> AsyncIterator[FilledForm]:
    """The fields of a form, and its files, which are there until the response is sent."""
    async with request.form(max_files=MAX_FILES, max_fields=MAX_FIELDS) as form:
        sent = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        yield FilledForm(_values(form), [file for file in sent if file.filename])


def ensure_typed_twice(form: FormValues) -> None:
    """Raises `InvalidInput` where the two new passwords differ."""
    if form["again"] != form["new"]:
        raise InvalidInput({"again": N_("This does not match the new password.")})


def _values(form: FormData) -> FormValues:
    sent = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    values = FormValues(sent)
    values.many = {name: [value for other, value in sent if other == name] for name in values}
    return values


# These come before the connection in a route: none is held while a slow form comes in.
FormDependency = Annotated[FormValues, Depends(read_form)]
FilledFormDependency = Annotated[FilledForm, Depends(read_form_with_files)]
