"""Text in the few characters that every bank of SEPA takes."""

import re

MAX_NAME = 70
MAX_TEXT = 140

# What comes nearest to characters of keyboards that SEPA does not have.
_NEAREST = str.maketrans(
    "&_~`[]{}|\\;" + '!"#$%*<=>@^',
    "+--'()()//," + "." * 11,
)
_OTHERS = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]+")


def sepa_text(text: str, most: int) -> str:
    """Write a text in Latin letters, at most so many characters.

    A slash at either end, or two in a row, would mean something to banks.
    """
    # Imported where a file for a bank is made: its tables take 4 MB.
    import disarm

    latin = disarm.transliterate(text, errors="ignore").translate(_NEAREST)
    plain = " ".join(_OTHERS.sub(" ", latin).split())
    return re.sub("/+", "/", plain)[:most].strip("/ ") or "NOTPROVIDED"
