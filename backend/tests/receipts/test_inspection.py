"""What an uploaded file is, and how it looks."""

import asyncio
import unittest
import zipfile
import zlib
from io import BytesIO

import pypdf
from PIL import Image
from pillow_heif import register_heif_opener

from expenses.i18n.languages import speaking
from expenses.receipts.inspection import (
    MAX_SIZE,
    Inspection,
    Kind,
    UnreadableFile,
    inspect,
)
from tests.receipts.documents import cii, encoded, pdf, pdf_of, ubl

register_heif_opener()

GPS_IFD, ORIENTATION = 0x8825, 0x0112


class InspectionTestCase(unittest.IsolatedAsyncioTestCase):
    async def refused(self, content: bytes) -> str:
        with self.assertRaises(UnreadableFile) as raised:
            await inspect(content)
        return raised.exception.fields["file"]


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def only_preview(inspection: Inspection) -> Image.Image:
    (preview,) = inspection.previews
    return opened(preview)


class Kinds(InspectionTestCase):
    async def test_each_kind_is_found_in_the_bytes(self) -> None:
        image = Image.new("RGB", (40, 30), "red")
        for content, kind, media_type, extension in (
            (encoded(image, "JPEG"), Kind.JPEG, "image/jpeg", "jpg"),
            (encoded(image, "PNG"), Kind.PNG, "image/png", "png"),
            (encoded(image, "WEBP"), Kind.WEBP, "image/webp", "webp"),
            (encoded(image, "HEIF"), Kind.HEIC, "image/heic", "heic"),
            (pdf(), Kind.PDF, "application/pdf", "pdf"),
            (cii().encode(), Kind.XML, "application/xml", "xml"),
            (b"\xef\xbb\xbf" + ubl().encode(), Kind.XML, "application/xml", "xml"),
            (cii().replace("UTF-8", "UTF-16").encode("utf-16"), Kind.XML, "application/xml", "xml"),
        ):
            inspection = await inspect(content)
            self.assertIs(inspection.kind, kind)
            self.assertEqual((kind.media_type, kind.extension), (media_type, extension))
            self.assertEqual(inspection.pages, 0 if kind is Kind.XML else 1)
            self.assertEqual(len(inspection.previews), inspection.pages)
            self.assertEqual(inspection.thumbnail is None, kind is Kind.XML)

    async def test_what_is_something_else_says_what_it_is(self) -> None:
        svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
        for content, said in (
            (b"", "This file is empty."),
            (
                svg,
                "This is an SVG image. Receipts are JPEG, PNG, WebP, HEIC, PDF or e-invoice XML.",
            ),
            (b'<?xml version="1.0"?>\n<!-- by hand -->\n' + svg, "an SVG image"),
            (b"<!DOCTYPE html><p>%PDF-1.7", "a web page"),
            (b"<html><script>alert(1)</script>", "a web page"),
            (b"GIF89a;%PDF-1.7", "a GIF image"),
            (b"II*\0\x08\0\0\0", "a TIFF image"),
            (b"\0\0\0\x20ftypisom\0\0\2\0", "a photo or a video"),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", "a photo or a video"),
            (b"\x7fELF\2\1\1\0", "a program"),
            (archive("word/document.xml"), "a text document"),
            (archive("xl/workbook.xml"), "a spreadsheet"),
            (archive("receipt.pdf"), "an archive"),
            (archive("OFD.xml"), "an OFD file. Please choose the PDF or XML"),
            (b"\xd0\xcf\x11\xe0" + "WordDocument".encode("utf-16-le"), "a text document"),
            (b"\xd0\xcf\x11\xe0", "an Office document"),
            (b'{"amount": 12}', "a JSON file"),
            (b"Lunch, 12.50", "This file cannot be read."),
            (b"\0" * (MAX_SIZE + 1), "The limit is 10 MB."),
        ):
            self.assertIn(said, await self.refused(content), content[:40])

    async def test_the_sentence_is_in_the_language_of_the_request(self) -> None:
        with speaking("zh_Hans_CN"):
            said = await self.refused(b"GIF89a")
        self.assertIn("GIF", said)
        self.assertIn("票据", said)


class Images(InspectionTestCase):
    async def test_a_photo_is_turned_upright_and_loses_its_place(self) -> None:
        image = Image.new("RGB", (400, 200), "white")
        image.paste("blue", (0, 0, 200, 200))
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        exif.get_ifd(GPS_IFD)[1] = "N"
        content = encoded(image, "JPEG", exif=exif, comment=b"somewhere")
        self.assertTrue(opened(content).getexif().get_ifd(GPS_IFD))

        inspection = await inspect(content)
        preview = only_preview(inspection)
        self.assertEqual((preview.format, preview.size), ("WEBP", (200, 400)))
        self.assertEqual(dict(preview.getexif()), {})
        self.assertNotIn("icc_profile", preview.info)
        red, _, blue = preview.convert("RGB").getpixel((100, 50))  # type: ignore[misc]
        self.assertLess(red, 60)
        self.assertGreater(blue, 200)

        assert inspection.thumbnail
        self.assertEqual(opened(inspection.thumbnail).size, (80, 160))

    async def test_a_large_image_is_shrunk_and_transparency_becomes_white(self) -> None:
        image = Image.new("RGBA", (4000, 1000), (0, 0, 0, 0))
        preview = only_preview(await inspect(encoded(image, "PNG")))
        self.assertEqual(preview.size, (1600, 400))
        self.assertEqual(preview.convert("RGB").getpixel((5, 5)), (255, 255, 255))

    async def test_other_kinds_of_pixels(self) -> None:
        size = (40, 30)
        for content in (
            encoded(Image.new("CMYK", size, (0, 0, 0, 127)), "JPEG"),
            encoded(Image.new("RGB", size, "gray").quantize(), "PNG"),
            encoded(Image.new("L", size, "gray"), "PNG"),
            encoded(Image.new("I;16", size, 32_768), "PNG"),
        ):
            preview = only_preview(await inspect(content))
            self.assertEqual(preview.size, size)
            red, _, _ = preview.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
            self.assertAlmostEqual(red, 128, delta=3)

    async def test_hostile_and_damaged_images(self) -> None:
        jpeg = encoded(Image.effect_noise((200, 200), 50), "JPEG")
        for content, said in (
            (jpeg[: len(jpeg) // 2], "damaged or not complete"),
            (b"\xff\xd8\xff\xe0", "damaged or not complete"),
            (encoded(Image.new("L", (9, 9)), "PNG")[:40], "damaged or not complete"),
            (encoded(Image.new("L", (64, 64)), "HEIF")[:200], "damaged or not complete"),
            (png_bomb(60_000), "more than 50 million pixels"),
        ):
            self.assertIn(said, await self.refused(content))


class Pdfs(InspectionTestCase):
    async def test_each_of_the_first_pages_has_a_preview(self) -> None:
        inspection = await inspect(pdf(pages=12))
        self.assertEqual((inspection.pages, len(inspection.previews)), (12, 10))
        for preview in inspection.previews:
            self.assertEqual(max(opened(preview).size), 1600)
        assert inspection.thumbnail
        self.assertEqual(max(opened(inspection.thumbnail).size), 160)

    async def test_nothing_else_waits(self) -> None:
        waiting = [asyncio.create_task(inspect(pdf(pages=4))) for _ in range(3)]
        others = 0
        while not all(task.done() for task in waiting):
            await asyncio.sleep(0.01)
            others += 1
        self.assertGreater(others, 20)
        self.assertEqual({len((await task).previews) for task in waiting}, {4})

    async def test_pages_of_any_size(self) -> None:
        for size, most in (((14_400, 14_400), (1600, 1600)), ((14_400, 1), (1600, 1))):
            preview = only_preview(await inspect(pdf(size=size)))
            self.assertLessEqual(preview.size, most)
        self.assertLess(max(only_preview(await inspect(pdf(size=(3, 3)))).size), 50)

    async def test_hostile_and_damaged_documents(self) -> None:
        bomb = zlib.compress(b"0 0 m 9 9 l S\n" * 40_000_000)
        for content, said in (
            (encrypted(pdf()), "protected by a password"),
            (pdf()[:300], "damaged or not complete"),
            (b"%PDF-1.7\nnothing", "damaged or not complete"),
            (pdf(pages=0), "damaged or not complete"),
            (pdf(pages=10_000), "more than 1,000 pages"),
            (pdf_of(bomb, filtered="/Filter /FlateDecode"), "too large to open"),
        ):
            self.assertIn(said, await self.refused(content))

    async def test_a_polyglot_is_only_what_it_begins_as(self) -> None:
        both = await inspect(pdf() + archive("word/document.xml"))
        self.assertIs(both.kind, Kind.PDF)
        image = encoded(Image.new("L", (40, 30)), "JPEG")
        both = await inspect(image + pdf())
        self.assertIs(both.kind, Kind.JPEG)
        self.assertEqual(both.pages, 1)


class Xml(InspectionTestCase):
    async def test_hostile_and_other_xml(self) -> None:
        declared = '<?xml version="1.0"?>'
        entities = "".join(
            f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 10)
        )
        bomb = f'<!DOCTYPE Invoice [<!ENTITY e0 "lol">{entities}]>'
        file = '<!DOCTYPE Invoice [<!ENTITY file SYSTEM "file:///etc/hostname">]>'
        for content, said in (
            (declared + bomb + ubl(number="&e9;"), "not an invoice in UBL, CII or"),
            (declared + file + ubl(number="&file;"), "not an invoice in UBL, CII or"),
            (declared + "<note>Lunch</note>", "not an invoice in UBL, CII or"),
            (ubl()[:-20], "damaged or not complete"),
            (declared + "<a>" * 100_000, "damaged or not complete"),
        ):
            self.assertIn(said, await self.refused(content.encode()))


def archive(name: str) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        made.writestr(name, b"<a/>")
    return content.getvalue()


def encrypted(content: bytes) -> bytes:
    writer = pypdf.PdfWriter(BytesIO(content))
    writer.encrypt("secret", algorithm="RC4-128")
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def png_bomb(side: int) -> bytes:
    """A small file that unfolds to a square of so many pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(name + body).to_bytes(4, "big")
        return len(body).to_bytes(4, "big") + name + body + checksum

    header = side.to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    pixels = zlib.compress(bytes(1000 * (side + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
