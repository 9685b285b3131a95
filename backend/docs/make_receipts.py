"""Makes the receipts of the demo company, in fixtures/receipts.

    uv run --project backend python backend/docs/make_receipts.py

All are dated 1 January 2000, which the demo replaces with the date of the ticket. That is why dates
are plain text, and nothing in the PDFs is compressed. Needs fonts (Debian: fonts-liberation,
fonts-wqy-microhei).
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import facturx
import pypdf
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FOLDER = Path(__file__).parents[2] / "fixtures" / "receipts"
FONTS = Path("/usr/share/fonts/truetype")
CHINESE, SANS, BOLD = "MicroHei", "Helvetica", "Helvetica-Bold"
DATE, PLAIN_DATE = "2000-01-01", "20000101"
INK, GREY, RED = "#222222", "#777777", "#a03020"
LEFT, RIGHT = 60, 535


def main() -> None:
    pdfmetrics.registerFont(TTFont(CHINESE, FONTS / "wqy/wqy-microhei.ttc", subfontIndex=0))
    FOLDER.mkdir(exist_ok=True)
    for name, content in {
        "translation.pdf": translation(),
        "taxi.pdf": taxi(),
        "hotel-hangzhou.pdf": hotel_hangzhou(),
        "safety-training.pdf": safety_training(),
        "hotel-milwaukee.pdf": hotel_milwaukee(),
        "lunch.jpg": lunch(),
        "map-tiles.xml": map_tiles(),
    }.items():
        (FOLDER / name).write_bytes(content)


class Page:
    """Paper as wide as A4, drawn on from the upper left corner."""

    def __init__(self, height: float = A4[1]) -> None:
        self._content = BytesIO()
        self.height, size = height, (A4[0], height)
        self.canvas = Canvas(self._content, pagesize=size, pageCompression=0, invariant=1)

    def write(
        self, x: float, y: float, text: str, font: str = SANS, size: float = 10, ink: str = INK
    ) -> None:
        self.canvas.setFillColor(ink)
        self.canvas.setFont(font, size)
        self.canvas.drawString(x, self.height - y, text)

    def write_up_to(self, right: float, y: float, text: str, font: str = SANS) -> None:
        self.canvas.setFillColor(INK)
        self.canvas.setFont(font, 10)
        self.canvas.drawRightString(right, self.height - y, text)

    def line(self, left: float, top: float, right: float, bottom: float, ink: str = GREY) -> None:
        self.canvas.setStrokeColor(ink)
        self.canvas.line(left, self.height - top, right, self.height - bottom)

    def qr_code(self, left: float, top: float, side: float, text: str) -> None:
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
        pixels = memoryview(code.to_image(scale=1))  # type: ignore[arg-type]
        squares = (pixels.shape or (1,))[0]
        size = side / squares
        self.canvas.setFillColor("#000000")
        for place, brightness in enumerate(pixels.tobytes()):
            row, column = divmod(place, squares)
            if brightness == 0:
                x, y = left + column * size, self.height - top - (row + 1) * size
                self.canvas.rect(x, y, size, size, stroke=0, fill=1)

    def amounts(self, top: float, rows: Sequence[tuple[str, str]]) -> None:
        """List what was sold; the last row is the total."""
        for number, (what, amount) in enumerate(rows, start=1):
            font = BOLD if number == len(rows) else SANS
            y = top + 24 * number
            self.line(LEFT, y - 16, RIGHT, y - 16)
            self.write(LEFT, y, what, font)
            self.write_up_to(RIGHT, y, amount, font)

    def pdf(self) -> bytes:
        self.canvas.save()
        return self._content.getvalue()


def letter(seller: str, address: str, title: str, number: str, ink: str) -> Page:
    """Begin an invoice to Contoso."""
    page = Page()
    page.canvas.setFillColor(ink)
    page.canvas.rect(0, page.height - 12, A4[0], 12, stroke=0, fill=1)
    page.write(LEFT, 70, seller, BOLD, 18, ink)
    page.write(LEFT, 88, address, size=9, ink=GREY)
    page.write(LEFT, 150, "Contoso Ltd")
    page.write(LEFT, 220, title, BOLD, 16)
    page.write(LEFT, 244, f"Number  {number}")
    page.write(LEFT, 260, "Date")
    page.write(LEFT + 44, 260, DATE)
    return page


def translation() -> bytes:
    """Make an invoice whose PDF carries it as XML, too: Factur-X, profile "minimum"."""
    page = letter("Lingua Verlag", "Lindenallee 12, 20259 Hamburg", "Invoice", "LV-2291", "#1f4e5f")
    rows = [
        ("Certified translation of a contract, 14 pages", "329.41"),
        ("VAT 19%", "62.59"),
        ("Total EUR", "392.00"),
    ]
    page.amounts(290, rows)
    page.write(LEFT, 780, "Paid by card. Thank you.", size=9, ink=GREY)
    facturx.xml_check_xsd(FACTUR_X.encode())
    document, content = pypdf.PdfWriter(BytesIO(page.pdf())), BytesIO()
    document.add_attachment("factur-x.xml", FACTUR_X.encode())
    document.write(content)
    return content.getvalue()


def safety_training() -> bytes:
    """Make an invoice with an EPC code, which a bank's app pays."""
    seller = "Tallaght Safety Training"
    page = letter(seller, "Whitestown Road, Dublin 24", "Invoice", "2026/118", "#7a4b12")
    page.amounts(
        290, [("Refresher: working at height, half a day", "155.00"), ("Total EUR", "155.00")]
    )
    page.write(LEFT, 420, "To pay, scan this code with the app of your bank.", size=9, ink=GREY)
    parts = ["BCD", "002", "1", "SCT", "AIBKIE2D", seller, "IE29AIBK93115212345678", "EUR155.00"]
    page.qr_code(LEFT, 435, 110, "\n".join([*parts, "", "", "Invoice 2026/118"]))
    return page.pdf()


def hotel_milwaukee() -> bytes:
    """Make a bill that states nothing in a defined form."""
    page = letter("Third Ward Inn", "N Water St, Milwaukee", "Guest folio", "58213", "#3c3470")
    rows = [
        ("Room 412, one night", "186.00"),
        ("State and city taxes", "28.60"),
        ("Total USD, paid by card", "214.60"),
    ]
    page.amounts(290, rows)
    return page.pdf()


def taxi() -> bytes:
    return fapiao(
        "26312000000041187203",
        seller="沪程出行科技有限公司",
        sold="*运输服务*客运服务费",
        parts=("180.58", "5.42", "186.00"),
        in_words="壹佰捌拾陆圆整",
    )


def hotel_hangzhou() -> bytes:
    return fapiao(
        "26332000000090552841",
        seller="杭州西湖驿站酒店有限公司",
        sold="*住宿服务*住宿费，两晚",
        parts=("567.92", "34.08", "602.00"),
        in_words="陆佰零贰圆整",
    )


def fapiao(
    number: str, *, seller: str, sold: str, parts: tuple[str, str, str], in_words: str
) -> bytes:
    """Make a fully digital fapiao; `parts` are the amounts before tax, of the tax, and with tax."""
    page, (before_tax, tax, total) = Page(height=370), parts
    page.write(205, 60, "电子发票（普通发票）", CHINESE, 18, RED)
    # The code states no date, since a picture cannot be dated anew.
    page.qr_code(40, 30, 72, f"01,32,,{number},{total},,,7C1E,")
    page.write(390, 90, f"发票号码：{number}", CHINESE)
    page.write(390, 106, "开票日期：", CHINESE)
    page.write(442, 106, DATE)
    for top in (125, 190, 290, 325):
        page.line(40, top, 555, top, RED)
    for left in (40, 298, 555):
        page.line(left, 125, left, 190, RED)
    page.write(50, 150, "名称：康托索（上海）有限公司", CHINESE)
    page.write(308, 150, f"名称：{seller}", CHINESE)
    page.write(50, 172, "统一社会信用代码：91310000CONTOSO01X", CHINESE, 9)
    page.write(308, 172, "统一社会信用代码：91330000SPECIMEN0X", CHINESE, 9)
    for x, text in (50, "项目名称"), (330, "金额"), (430, "税额"):
        page.write(x, 208, text, CHINESE, ink=RED)
    for x, text in (50, sold), (330, before_tax), (430, tax):
        page.write(x, 230, text, CHINESE)
    page.write(50, 312, f"价税合计（大写）　{in_words}", CHINESE)
    page.write(400, 312, f"（小写）¥{total}", CHINESE)
    page.write(50, 345, "样张，仅供演示", CHINESE, 9, GREY)
    return page.pdf()


def lunch() -> bytes:
    """Photograph a till receipt on a table, a little askew."""
    paper = Image.new("L", (520, 880), 246)
    draw = ImageDraw.Draw(paper)
    font = ImageFont.truetype(FONTS / "liberation/LiberationMono-Regular.ttf", 26)
    for number, line in enumerate(TILL.splitlines()):
        draw.text((30, 40 + 38 * number), line, 40, font)
    paper = paper.rotate(-4, Image.Resampling.BICUBIC, expand=True, fillcolor=0)
    mask = Image.new("L", (520, 880), 255).rotate(-4, Image.Resampling.BICUBIC, expand=True)
    table = Image.linear_gradient("L").resize((900, 1200)).point(lambda light: 70 + light // 5)
    shadow = Image.new("L", table.size, 0)
    shadow.paste(110, (165, 150), mask)
    table.paste(20, (0, 0), shadow.filter(ImageFilter.GaussianBlur(18)))
    table.paste(paper, (150, 130), mask)
    photo = Image.merge(
        "RGB",
        [
            table,
            table.point(lambda light: light * 93 // 100),
            table.point(lambda light: light * 82 // 100),
        ],
    )
    content = BytesIO()
    photo.filter(ImageFilter.GaussianBlur(0.7)).save(content, "JPEG", quality=70)
    return content.getvalue()


def map_tiles() -> bytes:
    return UBL.encode()


TILL = """      THE COPPER POT
   1204 E 6th St, Austin
     Tel 512 555 0148

Table 7       Covers 2
------------------------
2 Lunch menu       27.00
1 Sparkling water   2.00
------------------------
Subtotal           29.00
Sales tax           2.85
TOTAL USD          31.85

VISA **** 4821     31.85
Approved  13:42

    Thank you, y'all!"""

FACTUR_X = f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice
 xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
 <rsm:ExchangedDocumentContext>
  <ram:GuidelineSpecifiedDocumentContextParameter>
   <ram:ID>urn:factur-x.eu:1p0:minimum</ram:ID>
  </ram:GuidelineSpecifiedDocumentContextParameter>
 </rsm:ExchangedDocumentContext>
 <rsm:ExchangedDocument>
  <ram:ID>LV-2291</ram:ID>
  <ram:TypeCode>380</ram:TypeCode>
  <ram:IssueDateTime>
   <udt:DateTimeString format="102">{PLAIN_DATE}</udt:DateTimeString>
  </ram:IssueDateTime>
 </rsm:ExchangedDocument>
 <rsm:SupplyChainTradeTransaction>
  <ram:ApplicableHeaderTradeAgreement>
   <ram:SellerTradeParty>
    <ram:Name>Lingua Verlag</ram:Name>
    <ram:PostalTradeAddress><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>
   </ram:SellerTradeParty>
   <ram:BuyerTradeParty><ram:Name>Contoso Ltd</ram:Name></ram:BuyerTradeParty>
  </ram:ApplicableHeaderTradeAgreement>
  <ram:ApplicableHeaderTradeDelivery/>
  <ram:ApplicableHeaderTradeSettlement>
   <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
   <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
    <ram:TaxBasisTotalAmount>329.41</ram:TaxBasisTotalAmount>
    <ram:TaxTotalAmount currencyID="EUR">62.59</ram:TaxTotalAmount>
    <ram:GrandTotalAmount>392.00</ram:GrandTotalAmount>
    <ram:DuePayableAmount>392.00</ram:DuePayableAmount>
   </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
  </ram:ApplicableHeaderTradeSettlement>
 </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""

UBL = f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
 <cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0</cbc:CustomizationID>
 <cbc:ID>CG-100482</cbc:ID>
 <cbc:IssueDate>{DATE}</cbc:IssueDate>
 <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
 <cbc:DocumentCurrencyCode>USD</cbc:DocumentCurrencyCode>
 <cac:AccountingSupplierParty><cac:Party>
  <cac:PartyName><cbc:Name>Cartographica</cbc:Name></cac:PartyName>
 </cac:Party></cac:AccountingSupplierParty>
 <cac:AccountingCustomerParty><cac:Party>
  <cac:PartyName><cbc:Name>Contoso Ltd</cbc:Name></cac:PartyName>
 </cac:Party></cac:AccountingCustomerParty>
 <cac:LegalMonetaryTotal>
  <cbc:LineExtensionAmount currencyID="USD">88.00</cbc:LineExtensionAmount>
  <cbc:TaxExclusiveAmount currencyID="USD">88.00</cbc:TaxExclusiveAmount>
  <cbc:TaxInclusiveAmount currencyID="USD">88.00</cbc:TaxInclusiveAmount>
  <cbc:PayableAmount currencyID="USD">88.00</cbc:PayableAmount>
 </cac:LegalMonetaryTotal>
 <cac:InvoiceLine>
  <cbc:ID>1</cbc:ID>
  <cbc:InvoicedQuantity unitCode="C62">1</cbc:InvoicedQuantity>
  <cbc:LineExtensionAmount currencyID="USD">88.00</cbc:LineExtensionAmount>
  <cac:Item><cbc:Name>Map tiles, 100,000 requests</cbc:Name></cac:Item>
  <cac:Price><cbc:PriceAmount currencyID="USD">88.00</cbc:PriceAmount></cac:Price>
 </cac:InvoiceLine>
</Invoice>
"""


if __name__ == "__main__":
    main()
