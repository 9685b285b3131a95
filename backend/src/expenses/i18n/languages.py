"""Languages: their catalogs, the current one, and which one a browser prefers."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from expenses.errors import ExpensesError
from expenses.i18n.text import ENGLISH

CATALOGS = Path(__file__).parent / "locale"
# Each in its own words. Those in the code are English; every other language has a catalog.
LANGUAGES = {ENGLISH: "English", "zh_Hans_CN": "中文"}

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current_language() -> str:
    return _language.get()


def translate(message: str) -> str:
    return translations(current_language()).gettext(message)


def translate_plural(singular: str, plural: str, number: int) -> str:
    translated: str = translations(current_language()).ngettext(singular, plural, number)
    return translated


def gettext(message: str, /, **values: Any) -> str:
    """Translate a message into the language of the request, with its %(names)s filled in."""
    translated = translate(message)
    return translated % values if values else translated


def ngettext(singular: str, plural: str, number: int, /, **values: Any) -> str:
    return translate_plural(singular, plural, number) % ({"num": number} | values)


def sentence(error: ExpensesError) -> str:
    """What an error says, in the language of the request."""
    return gettext(error.template, **error.values)


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
def negotiated(header: str) -> str:
    """Choose a language for an Accept-Language header."""
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
