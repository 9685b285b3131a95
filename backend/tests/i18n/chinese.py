"""What an answer says to a person, and the English words that are left in it."""

import re
from html.parser import HTMLParser

import httpx

from expenses.i18n.money import currencies

CHINESE = {
    "Accept-Language": "zh-CN",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/130.0",
}
# Names of companies, formats, browsers and keys, which are the same in Chinese.
NAMES = {
    *("api", "chrome", "contoso", "csv", "english", "excel", "expenses", "iso", "json", "kb"),
    *("keynote", "mb", "numbers", "ods", "opendocument", "pages", "pdf", "sha", "utc", "windows"),
    *("bic", "camt", "cobadeffxxx", "company_iban", "de", "iban", "pain", "sepa", "xlsx", "xml"),
    *("ctrl", "enter", "esc", "javascript", "pin", "shift"),
    *("application", "content", "null", "true", "false", "type"),
}
DATA = re.compile(
    r"\w+\.png|(?:[a-z2-7]{4}-){5}[a-z2-7]{4}|SHA-256:? \w+|\w+://\S*|\S+@\S+|\{\w+\}|US\$|\d{4}-\d\d-\d\dT[\d:]+Z?"
)
# Shown to people or read to them, or what scripts say.
ATTRIBUTES = re.compile(
    "alt|aria-label|placeholder|title|data-(all|anyway|failed|search|some|ticket|unreachable|usual)"
)


class Page(HTMLParser):
    """The texts of a page without what people have typed and codes, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.links: list[str] = []
        self._tag = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self._tag = tag
        if tag == "a":
            self.links.append(named.get("href", ""))
        if named.get("name") == "description":
            self.texts.append(named.get("content", ""))
        self.texts += [text for name, text in named.items() if ATTRIBUTES.fullmatch(name)]

    def handle_data(self, data: str) -> None:
        if self._tag not in {"textarea", "code"}:
            self.texts.append(data)


def english_in(*texts: str) -> list[tuple[str, str]]:
    """Words of two letters and more that are neither names nor data, with where they stand."""
    return [
        (word, text.strip()[:200])
        for text in texts
        for word in re.findall(r"[A-Za-z][A-Za-z_']+", DATA.sub(" ", text))
        if word.lower() not in NAMES and word not in currencies()
    ]


def texts_of(answer: httpx.Response) -> list[str]:
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        return Page(answer.text).texts
    if kind == "application/problem+json":
        problem = answer.json()
        return [problem["detail"], *(each["message"] for each in problem.get("errors") or ())]
    return []
