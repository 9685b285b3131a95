"""Images, decoded within limits."""

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError
from pillow_heif import options, register_heif_opener

from expenses.files.worker import DAMAGED, Unreadable
from expenses.receipts.reading.limits import MAX_PIXELS, TOO_MANY_PIXELS

# Enough for the smallest code on a photo of a whole page.
MAX_SIDE = 3000

# Its own limit is lower than ours, and only warns.
Image.MAX_IMAGE_PIXELS = None
# Each thread would set memory aside.
options.DECODE_THREADS = 1
register_heif_opener()


def open_image(content: bytes, kind: str) -> Image.Image:
    """Return it upright, in RGB on white, at most 3000 pixels long."""
    try:
        with Image.open(BytesIO(content), formats=[_format_of(kind)]) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unreadable(TOO_MANY_PIXELS)
            # A JPEG can be decoded at half or a quarter of its size.
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            image.thumbnail((MAX_SIDE, MAX_SIDE))
            return _on_white(ImageOps.exif_transpose(image))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        raise Unreadable(DAMAGED) from None


def _format_of(kind: str) -> str:
    return "HEIF" if kind == "heic" else kind.upper()


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # Gray in 16 bits, of which the higher 8 are kept.
        return image.convert("I").point(lambda value: value / 256).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    white = Image.new("RGB", layer.size, "white")
    white.paste(layer, mask=layer)
    return white
