"""The values that a page's form has sent."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request

# A page of tickets, each with its box ticked, and what else a form has.
MAX_FIELDS = 200


class FormValues(dict[str, str]):
    """The values of a form's inputs; an input that was not sent is empty.

    For a name that was sent several times this has the last value, and `many` has all.
    """

    many: Mapping[str, list[str]] = {}

    def __missing__(self, name: str) -> str:
        return ""


async def read_form(request: Request) -> FormValues:
    """The fields of a form; files are left out."""
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        sent = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    values = FormValues(sent)
    values.many = {name: [value for other, value in sent if other == name] for name in values}
    return values


# Comes before the connection in a route: none is held while a slow form comes in.
FormDependency = Annotated[FormValues, Depends(read_form)]
