"""What a check finds."""

from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "problem"]


class Finding(NamedTuple):
    """A sentence for the operator, with the way to fix what is wrong and without any secret."""

    level: Level
    sentence: str

    def __str__(self) -> str:
        # Text of other servers is kept from moving the cursor.
        sentence = "".join(c if c.isprintable() else " " for c in self.sentence)
        return f"{self.level:8} {' '.join(sentence.split())}"
