"""The language of a request: the one chosen with the switch, else what the browser prefers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.core import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from expenses.errors import ExpensesError
from expenses.i18n.text import ENGLISH

CATALOGS = Path(__file__).parent / "locale"
# The words in the code are English; every other language has a catalog.
LANGUAGES = (ENGLISH, "zh_Hans_CN")

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


class LanguageMiddleware:
    """Has to stand inside the session's, which holds what was chosen."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with speaking(preferred(Request(scope))):
            await self.app(scope, receive, send)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current_language() -> str:
    return _language.get()


def preferred(request: Request) -> str:
    return preference(request) or ENGLISH


def preference(request: Request) -> str | None:
    """None where the request says nothing of it, as those of most programs."""
    chosen = request.session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    header = request.headers.get("accept-language")
    return _negotiated(header) if header else None


def gettext(message: str, /, **values: Any) -> str:
    """`message` in the language of the request, with its %(names)s filled in."""
    translated = translations(current_language()).gettext(message)
    return translated % values if values else translated


def ngettext(singular: str, plural: str, number: int, /, **values: Any) -> str:
    translated: str = translations(current_language()).ngettext(singular, plural, number)
    return translated % ({"num": number} | values)


def sentence(error: ExpensesError) -> str:
    """What an error says, in the language of the request."""
    return gettext(error.template, **error.values)


@cache
def names_of_languages() -> Mapping[str, str]:
    """Each language in its own words, by its code."""
    return {code: _name(code) for code in LANGUAGES}


@cache
def translations(language: str) -> NullTranslations:
    """Read from the text that translators edit; there is no compiled file to forget."""
    path = CATALOGS / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    compiled = BytesIO()
    with path.open("rb") as catalog:
        write_mo(compiled, read_po(catalog, locale=language))
    compiled.seek(0)
    return Translations(compiled)


@lru_cache(maxsize=256)
def _negotiated(header: str) -> str:
    wanted = [part.partition(";")[0].strip() for part in _by_quality(header)]
    return next((code for code in map(_full_code, wanted) if code in LANGUAGES), ENGLISH)


def _by_quality(header: str) -> list[str]:
    """The languages of an Accept-Language header, the most wanted first."""
    parts = [part for part in header[:500].split(",") if part.strip()]
    return sorted(parts, key=_quality, reverse=True)


def _quality(part: str) -> float:
    try:
        return float(part.partition("q=")[2] or 1)
    except ValueError:
        return 0.0


def _full_code(code: str) -> str:
    """zh, zh-CN, zh-Hans-SG: all read the one Chinese that there is."""
    language = code.replace("-", "_").partition("_")[0].lower()
    return {"zh": "zh_Hans_CN", "en": ENGLISH}.get(language, language)


def _name(code: str) -> str:
    name = Locale.parse(code).get_language_name(code) or code
    return name[:1].upper() + name[1:]
