"""Links as people write them into cells and forms."""

import re

_LINK_END = "。．.,;:!?、，；>)]}»”’\"'"  # noqa: RUF001
_LINK_START = "<([{«“‘\"'"  # noqa: RUF001
# Each mark is looked at once, however many there are.
_BETWEEN_LINKS = re.compile(
    r"\s+|(?<![,;、，；|])[,;、，；|]++(?=\s*(?:https?://|www\.))",  # noqa: RUF001
    re.IGNORECASE,
)


def split_links(text: str) -> list[str]:
    """Take links apart that share a cell, without the marks around them; www gets https."""
    links = (part.strip().lstrip(_LINK_START) for part in _BETWEEN_LINKS.split(text))
    trimmed = (_trimmed(link) for link in links)
    return [
        f"https://{link}" if link.lower().startswith("www.") else link for link in trimmed if link
    ]


def _trimmed(link: str) -> str:
    """Cut off what belongs to the sentence around a link, but not a bracket that the link opens."""
    end, unopened = len(link), link.count(")") - link.count("(")
    while end and link[end - 1] in _LINK_END:
        if link[end - 1] == ")":
            if unopened <= 0:
                break
            unopened -= 1
        end -= 1
    return link[:end]
