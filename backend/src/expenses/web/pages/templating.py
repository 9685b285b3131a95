"""The Jinja environment of every page."""

from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from heroicons.jinja import heroicon_outline
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from expenses.i18n.languages import gettext, translate, translate_plural
from expenses.i18n.money import currencies
from expenses.i18n.text import folded
from expenses.users.clients import client_name
from expenses.web.pages.assets import asset_address
from expenses.web.pages.words import INPUTS

_SOURCE = Path(__file__).parents[2]
FOLDERS = [
    _SOURCE / "web" / "pages" / "templates",
    _SOURCE / "portal" / "templates",
    _SOURCE / "console" / "templates",
]


def _create_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDERS),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # _() marks its result as safe, so it is for literals only; the filter is for all other text.
    environment.globals["_"] = safe_gettext
    environment.globals["ngettext"] = safe_ngettext
    environment.filters["translated"] = gettext
    environment.filters["input_name"] = input_name
    environment.filters["client_name"] = client_name
    environment.filters["marked"] = marked
    environment.globals["asset"] = asset_address
    environment.globals["avatar"] = avatar
    environment.globals["currency_options"] = currency_options
    environment.globals["icon"] = icon
    return environment


def safe_gettext(message: str, /, **values: Any) -> Markup:
    """Translate a message, with its %(names)s escaped and filled in."""
    translated = translate(message)
    if values:
        translated %= _escaped(values)
    return Markup(translated)  # noqa: S704, a literal or its translation


def safe_ngettext(singular: str, plural: str, number: int, /, **values: Any) -> Markup:
    translated = translate_plural(singular, plural, number) % _escaped({"num": number} | values)
    return Markup(translated)  # noqa: S704


def _escaped(values: dict[str, Any]) -> dict[str, Markup]:
    return {name: escape(value) for name, value in values.items()}


@cache
def icon(name: str, **attributes: str) -> str:
    """Draw one of Heroicons' outlines; the words beside it say the same to a screen reader."""
    attributes |= {"class": "icon", "aria_hidden": "true"}
    return heroicon_outline(name, size=None, **attributes)


@lru_cache
def currency_options(chosen: str) -> Markup:
    """Write the options of a choice of currencies."""
    option = Markup("<option{}>{}</option>")
    codes = sorted(currencies())
    return Markup().join(
        option.format(" selected" if code == chosen else "", code) for code in codes
    )


def input_name(name: str) -> str:
    """Return what people call an input of a form, or a parameter of an address."""
    return gettext(INPUTS.get(name, name))


@lru_cache(maxsize=1_000)
def avatar(user_id: int, username: str) -> Markup:
    """Draw the circle beside a name, which a screen reader reads anyway."""
    circle = Markup('<span class="avatar tone-{}" aria-hidden="true">{}</span>')
    return circle.format(user_id % 8, initials(username))


def initials(username: str) -> str:
    """Shorten a name to what fits into a small circle: "Lina Berg" to "LB", "李娜" to "娜"."""
    words = username.split()
    if len(words) == 1 and not words[0].isascii():
        return words[0][-1]
    return words[0][0] + (words[-1][0] if len(words) > 1 else "")


def marked(text: str, wanted: str) -> Markup:
    """Mark what a search has found, however its letters are written."""
    searched = folded(wanted)
    if not searched or searched not in folded(text):
        return escape(text)
    # Folding a letter may give several, so each of them remembers where it comes from.
    letters = [(letter, place) for place, whole in enumerate(text) for letter in folded(whole)]
    plain = "".join(letter for letter, _ in letters)
    pieces, shown = [], 0
    start = plain.find(searched)
    while start >= 0:
        end = start + len(searched)
        first, last = letters[start][1], letters[end - 1][1] + 1
        pieces.append(escape(text[shown:first]) + Markup("<mark>%s</mark>") % text[first:last])
        shown, start = last, plain.find(searched, end)
    return Markup("").join([*pieces, escape(text[shown:])])


environment = _create_environment()
