"""Jinja as the pages use it: a template is compiled for each language, with its words in place."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.visitor import NodeTransformer

from expenses.i18n.languages import gettext, ngettext, translations
from expenses.web.pages.assets import assets

SHARED = Path(__file__).parent / "templates"
_INDENTATION = re.compile(r"\n[ \t]+")


@cache
def environment(folder: Path, language: str) -> jinja2.Environment:
    """For the templates of a door, in one language. What they extend and import is shared."""
    return _Environment(folder, language)


class _Environment(jinja2.Environment):
    def __init__(self, folder: Path, language: str) -> None:
        super().__init__(
            loader=jinja2.FileSystemLoader([folder, SHARED]),
            autoescape=True,
            auto_reload=False,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            extensions=[_Unindented],
        )
        self._translator = _Translator(language)
        self.globals |= {"asset": assets.address}
        # For what is known only when a page is made.
        self.globals |= {"_": gettext, "ngettext": ngettext}

    def _generate(self, source: nodes.Template, *arguments: Any, **options: Any) -> str:
        """Jinja's hook for changing what is compiled."""
        translated = self._translator.visit(source)
        return str(super()._generate(translated, *arguments, **options))


class _Unindented(Extension):
    """Nobody reads the pages' source: the spaces that lay it out need not be sent."""

    def preprocess(self, source: str, _name: str | None, _filename: str | None = None) -> str:
        return _INDENTATION.sub("\n", source)


class _Translator(NodeTransformer):
    """Words that stand in a template need not be looked up for every page, and often for every row
    of it: each such call becomes what it would answer."""

    def __init__(self, language: str) -> None:
        self._translations = translations(language)

    def visit_Call(self, call: nodes.Call) -> nodes.Expr:  # noqa: N802, the visitor's way
        self.generic_visit(call)
        if not (isinstance(call.node, nodes.Name) and call.node.name == "_"):
            return call
        [message] = call.args
        if not isinstance(message, nodes.Const):
            return call
        words = nodes.Const(self._translations.gettext(message.value))
        if not call.kwargs:
            return words
        pairs = [nodes.Pair(nodes.Const(value.key), value.value) for value in call.kwargs]
        return nodes.Mod(words, nodes.Dict(pairs))
