"""The filters of a list in words, each with the address of the list without it."""

from datetime import date
from typing import NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import Request

from expenses.console.queue import LIST, address
from expenses.i18n.formats import Formats
from expenses.i18n.languages import current_language, gettext
from expenses.web.dependencies import settings_of
from expenses.web.pages.words import INPUTS

NAMES = ("q", "employee", "category", "merchant", "from", "to", "min", "max", "currency")


class Chip(NamedTuple):
    label: str
    text: str
    without: str


def chips(request: Request, query: QueryParams) -> list[Chip]:
    formats = Formats(settings_of(request), current_language())
    return [
        Chip(
            gettext(INPUTS[name]),
            _in_words(name, query[name], formats),
            address(query, LIST, **{name: None, "cursor": None}),
        )
        for name in NAMES
        if query.get(name)
    ]


def _in_words(name: str, value: str, formats: Formats) -> str:
    if name == "category":
        return gettext(value.capitalize())
    if name in {"from", "to"}:
        try:
            return formats.day(date.fromisoformat(value))
        except ValueError:
            return value
    return value
