"""Text for people: marked for translation, normalised, cut, searched."""

import re
import unicodedata


def N_(message: str) -> str:  # noqa: N802, the name that every translator's tool knows
    """Marks a message for people: it is translated where it is shown."""
    return message


# The language of the messages in the code, and the default.
ENGLISH = "en"


def normal(text: str) -> str:
    """Compose letters and their accents, so that one text is always written in one way."""
    return unicodedata.normalize("NFC", text)


def excerpt(text: str) -> str:
    """Cut what a sentence quotes to a length that can be read."""
    return text if len(text) <= 60 else f"{text[:59]}…"


_ACCENTS = re.compile("[\u0300-\u036f]")
# Letters whose stroke is no accent, and the apostrophes of keyboards and typesetters.
_PLAIN = str.maketrans("\u00f8\u0142\u0111\u0131\u03c2\u2019\u2018\u02bc`", "oldi\u03c3''''")


def folded(text: str) -> str:
    """Take away case, accents and kinds of apostrophes, as the database's `folded` does."""
    lower = text.lower().replace("\u00b4", "'").replace("\u00df", "ss")
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", lower)).translate(_PLAIN)


def like(text: str) -> str:
    """A pattern of SQL that finds `text` anywhere in folded text; % and _ are just characters."""
    escaped = folded(text).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
