"""The receipt of 1 MB that is uploaded, and where it is stored."""

from functools import cache
from io import BytesIO

from PIL import Image

SIZE = 1_000_000
# A page scanned with 240 dots per inch.
PIXELS, GRAIN, QUALITY = (1984, 2806), 30, 30


def receipt_photo(number: int) -> bytes:
    """Return a JPEG of exactly 1 MB, a different one for each number."""
    return _photo()[:-8] + number.to_bytes(8, "big")


def file_of(sha256: str) -> str:
    """Return the path of a receipt's file in the storage."""
    return f"{sha256[:2]}/{sha256}/original"


@cache
def _photo() -> bytes:
    content = BytesIO()
    Image.effect_noise(PIXELS, GRAIN).convert("RGB").save(content, "JPEG", quality=QUALITY)
    # What follows the end of the picture is no part of it.
    return content.getvalue().ljust(SIZE, b"\0")
