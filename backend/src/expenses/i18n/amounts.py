"""Amounts as people type them into forms. The API takes plain ones only."""

import re
import unicodedata

from expenses.i18n.text import N_

_SIGN = r"(?P<sign>[-+]?)"
_PLAIN = re.compile(rf"{_SIGN}(?P<whole>[0-9]*)(?:[.,](?P<cents>[0-9]*))?")
# The mark that groups the thousands is the same in all places, and is not the decimal one.
_GROUPED = re.compile(
    rf"{_SIGN}(?P<whole>[1-9][0-9]{{0,2}}(?P<mark>[ '\u2019.,])[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*)"
    r"(?:(?!(?P=mark))[.,](?P<cents>[0-9]*))?"
)
_AMBIGUOUS = re.compile(rf"{_SIGN}[1-9][0-9]{{0,2}}[.,][0-9]{{3}}")


def plain_amount(typed: str) -> str:
    """ "12,50", "1 200", "1,200.50" and "1.200,50" as a program writes them: "12.50", "1200".

    Raises `ValueError`, with a sentence for whoever typed it, for "1,200", which is twelve
    hundred to some and a little over one to others, and for what is no number.
    """
    # Spaces of every kind become plain ones, and the wide digits of Chinese keyboards narrow.
    text = unicodedata.normalize("NFKC", typed).strip()
    if _AMBIGUOUS.fullmatch(text):
        raise ValueError(
            N_(
                "This could mean two things. Write 1200 for twelve hundred, "
                "or 1.20 for one and twenty hundredths."
            )
        )
    found = _GROUPED.fullmatch(text) or _PLAIN.fullmatch(text)
    if found is None or not any(character.isdecimal() for character in text):
        raise ValueError(N_("Use a number such as 12.50."))
    whole = re.sub(r"[^0-9]", "", found["whole"]) or "0"
    cents = f".{found['cents']}" if found["cents"] else ""
    return f"{found['sign']}{whole}{cents}"
