"""The Jinja environment of every page."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from expenses.i18n.languages import gettext, translate, translate_plural
from expenses.web.pages.assets import asset_address

_SOURCE = Path(__file__).parents[2]
_FOLDERS = [
    _SOURCE / "web" / "pages" / "templates",
    _SOURCE / "portal" / "templates",
    _SOURCE / "console" / "templates",
]


def _create_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDERS),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        translate, translate_plural, newstyle=True
    )
    # _() marks its result as safe, so it is for literals only; the filter is for all other text.
    environment.filters["translated"] = gettext
    environment.globals["asset"] = asset_address
    return environment


environment = _create_environment()
