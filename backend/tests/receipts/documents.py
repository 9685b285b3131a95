"""Documents as people upload them, made here: images, PDFs, QR codes and e-invoices."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import facturx
import pypdf
import zxingcpp
from PIL import Image

A4 = (595, 842)
_CHINESE = (
    b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H"
    b" /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000"
    b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >>"
    b" /FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 /ItalicAngle 0"
    b" /FontBBox [-25 -254 1000 880] /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >> >>] >>"
)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    content = BytesIO()
    image.save(content, form, **options)
    return content.getvalue()


def qr_code(text: str, scale: int = 4) -> Image.Image:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    pixels = memoryview(code.to_image(scale=scale))  # type: ignore[arg-type]
    height, width = pixels.shape or (0, 0)
    return Image.frombytes("L", (width, height), pixels.tobytes())


def photo(*texts: str, size: tuple[int, int] = (1200, 1600)) -> Image.Image:
    """A sheet of paper with QR codes on it."""
    sheet = Image.new("RGB", size, "#eee")
    for number, text in enumerate(texts):
        sheet.paste(qr_code(text), (100, 100 + 500 * number))
    return sheet


Line = tuple[float, float, str]


def pdf(
    lines: Sequence[Line] = (),
    code: str | None = None,
    *,
    pages: int = 1,
    size: tuple[float, float] = A4,
) -> bytes:
    """Every page has the lines, each with its place from the lower left corner, and the code."""
    drawn = [
        f"BT /F 10 Tf {x} {y} Td <{text.encode('utf-16-be').hex()}> Tj ET" for x, y, text in lines
    ]
    image = qr_code(code, 1) if code else Image.new("L", (1, 1), 255)
    drawn.append("q 80 0 0 80 20 740 cm /I Do Q" if code else "")
    return pdf_of(
        "\n".join(drawn).encode(),
        _stream(
            f"/Type /XObject /Subtype /Image /Width {image.width} /Height {image.height}"
            " /ColorSpace /DeviceGray /BitsPerComponent 8",
            image.tobytes(),
        ),
        pages=pages,
        size=size,
    )


def pdf_of(
    drawing: bytes,
    image: bytes = b"null",
    *,
    pages: int = 1,
    size: tuple[float, float] = A4,
    filtered: str = "",
) -> bytes:
    """Pages that all have the same drawing, which may be compressed."""
    kids = " ".join(f"{number} 0 R" for number in range(6, 6 + pages))
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents 5 0 R"
        " /Resources << /Font << /F 3 0 R >> /XObject << /I 4 0 R >> >> >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>".encode(),
        _CHINESE,
        image,
        _stream(filtered, drawing),
        *[page.encode()] * pages,
    ]
    content = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size_and_root = f"/Size {len(objects) + 1} /Root 1 0 R"
    content += (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer << {size_and_root} >>\nstartxref\n{len(content)}\n%%EOF\n"
    ).encode()
    return bytes(content)


def _stream(entries: str, content: bytes) -> bytes:
    head = f"<< {entries} /Length {len(content)} >>".encode()
    return head + b"\nstream\n" + content + b"\nendstream"


def factur_x(xml: str, content: bytes | None = None) -> bytes:
    """A PDF that carries the invoice."""
    made: bytes = facturx.generate_from_binary(
        content or pdf([(50, 700, "Invoice")]), xml.encode(), check_xsd=False
    )
    return made


def attached(files: Mapping[str, str]) -> bytes:
    """A PDF that carries files of any name."""
    writer = pypdf.PdfWriter(BytesIO(pdf()))
    for name, xml in files.items():
        writer.add_attachment(name, xml.encode())
    content = BytesIO()
    writer.write(content)
    return content.getvalue()


def cii(
    *,
    number: str = "RE-2026-17",
    day: str = "20261102",
    total: str = "119.00",
    due: str = "119.00",
    currency: str = "EUR",
    seller: str = "Northwind Traders GmbH",
    kind: str = "380",
) -> str:
    """EN 16931, with a line whose amounts are not those of the invoice."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
 <ram:ID>urn:cen.eu:en16931:2017</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>{kind}</ram:TypeCode>
 <ram:IssueDateTime><udt:DateTimeString format="102">{day}</udt:DateTimeString></ram:IssueDateTime>
</rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
 <ram:IncludedSupplyChainTradeLineItem><ram:SpecifiedLineTradeSettlement>
  <ram:SpecifiedTradeSettlementLineMonetarySummation>
   <ram:LineTotalAmount>42.00</ram:LineTotalAmount><ram:GrandTotalAmount>43.00</ram:GrandTotalAmount>
  </ram:SpecifiedTradeSettlementLineMonetarySummation>
 </ram:SpecifiedLineTradeSettlement></ram:IncludedSupplyChainTradeLineItem>
 <ram:ApplicableHeaderTradeAgreement>
  <ram:SellerTradeParty><ram:Name>{seller}</ram:Name></ram:SellerTradeParty>
  <ram:BuyerTradeParty><ram:Name>Contoso</ram:Name></ram:BuyerTradeParty>
 </ram:ApplicableHeaderTradeAgreement>
 <ram:ApplicableHeaderTradeDelivery/>
 <ram:ApplicableHeaderTradeSettlement>
  <ram:InvoiceCurrencyCode>{currency}</ram:InvoiceCurrencyCode>
  <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
   <ram:LineTotalAmount>100.00</ram:LineTotalAmount>
   <ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount>
   <ram:TaxTotalAmount currencyID="{currency}">19.00</ram:TaxTotalAmount>
   <ram:GrandTotalAmount>{total}</ram:GrandTotalAmount>
   <ram:DuePayableAmount>{due}</ram:DuePayableAmount>
  </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
 </ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>"""


def zugferd_1() -> str:
    return """<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:15">
<rsm:SpecifiedExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>
 <ram:ID>urn:ferd:CrossIndustryDocument:invoice:1p0:basic</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:SpecifiedExchangedDocumentContext>
<rsm:HeaderExchangedDocument><ram:ID>471102</ram:ID><ram:Name>RECHNUNG</ram:Name>
 <ram:TypeCode>380</ram:TypeCode>
 <ram:IssueDateTime>
  <udt:DateTimeString format="102">20130305</udt:DateTimeString>
 </ram:IssueDateTime>
</rsm:HeaderExchangedDocument>
<rsm:SpecifiedSupplyChainTradeTransaction>
 <ram:ApplicableSupplyChainTradeAgreement>
  <ram:SellerTradeParty><ram:Name>Lieferant GmbH</ram:Name></ram:SellerTradeParty>
 </ram:ApplicableSupplyChainTradeAgreement>
 <ram:ApplicableSupplyChainTradeSettlement>
  <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
  <ram:SpecifiedTradeSettlementMonetarySummation>
   <ram:LineTotalAmount currencyID="EUR">198.00</ram:LineTotalAmount>
   <ram:GrandTotalAmount currencyID="EUR">235.62</ram:GrandTotalAmount>
  </ram:SpecifiedTradeSettlementMonetarySummation>
 </ram:ApplicableSupplyChainTradeSettlement>
</rsm:SpecifiedSupplyChainTradeTransaction>
</rsm:CrossIndustryDocument>"""


def ubl(
    *,
    kind: str = "Invoice",
    total: str = "119.00",
    payable: str = "119.00",
    currency: str = "EUR",
    number: str = "2026/0042",
) -> str:
    """Peppol BIS 3, without a declaration."""
    return f"""<{kind} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{kind}-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>
<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-11-03</cbc:IssueDate>
<cbc:{kind}TypeCode>{380 if kind == "Invoice" else 381}</cbc:{kind}TypeCode>
<cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party>
 <cac:PartyName><cbc:Name>Fabrikam</cbc:Name></cac:PartyName>
 <cac:PartyLegalEntity>
  <cbc:RegistrationName>Fabrikam AB</cbc:RegistrationName>
 </cac:PartyLegalEntity>
</cac:Party></cac:AccountingSupplierParty>
<cac:LegalMonetaryTotal>
 <cbc:LineExtensionAmount currencyID="{currency}">100.00</cbc:LineExtensionAmount>
 <cbc:TaxInclusiveAmount currencyID="{currency}">{total}</cbc:TaxInclusiveAmount>
 <cbc:PrepaidAmount currencyID="{currency}">0.00</cbc:PrepaidAmount>
 <cbc:PayableAmount currencyID="{currency}">{payable}</cbc:PayableAmount>
</cac:LegalMonetaryTotal>
</{kind}>"""


def einvoice_cn(total: str = "6598.00") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<EInvoice><Header><EIid>25327000001739485410</EIid><Version>0.2</Version></Header>
<EInvoiceData>
 <SellerInformation><SellerIdNum>91320583088001</SellerIdNum>
  <SellerName>昆山北风贸易有限公司</SellerName></SellerInformation>
 <BuyerInformation><BuyerName>康托索有限公司</BuyerName></BuyerInformation>
 <BasicInformation><TotalAmWithoutTax>5838.94</TotalAmWithoutTax><TotalTaxAm>759.06</TotalTaxAm>
  <TotalTax-includedAmount>{total}</TotalTax-includedAmount>
  <RequestTime>2025-12-29 13:02:50</RequestTime></BasicInformation>
</EInvoiceData>
<TaxSupervisionInfo><InvoiceNumber>25327000001739485410</InvoiceNumber>
 <IssueTime>2025-12-29 13:02:50</IssueTime></TaxSupervisionInfo></EInvoice>"""


DIGITAL_FAPIAO = "01,32,,25312000000012345678,113.00,20251102,,A1B2,"
PAPER_FAPIAO = "01,10,031002000311,12345678,100.00,20251102,12345678901234567890,A1B2,"

# As on a 数电票: the buyer on the left, the seller on the right.
DIGITAL_LINES: list[Line] = [
    (20, 700, "购"),
    (40, 700, "名称：康托索有限公司"),
    (300, 700, "销"),
    (320, 700, "名称：上海北风（中国）贸易有限公司"),
    (40, 400, "价税合计（大写）"),
    (200, 400, "壹佰壹拾叁圆整"),
    (400, 400, "（小写）¥113.00"),
]
# As on an older one: the seller below, and what is filled in comes after the labels.
PAPER_LINES: list[Line] = [
    (40, 700, "名　　称："),
    (40, 400, "价税合计（大写）"),
    (400, 400, "（小写）"),
    (20, 350, "销"),
    (40, 350, "名　　称："),
    (400, 350, "备"),
    (110, 700, "康托索有限公司"),
    (445, 403.5, "¥ 113.00"),
    (110, 350, "上海北风贸易有限公司"),
]

EPC = (
    "BCD\n002\n1\nSCT\nBFSWDE33XXX\nWikimedia e.V.\nDE33100205000001194700\nEUR123.45\n\n\nThanks\n"
)


def swiss_qr(amount: str = "1949.75", currency: str = "CHF") -> str:
    creditor = ["S", "Robert Schneider AG", "Rue du Lac", "1268", "2501", "Biel", "CH"]
    debtor = ["S", "Pia Rutschmann", "Marktgasse", "28", "9400", "Rorschach", "CH"]
    lines = ["SPC", "0200", "1", "CH4431999123000889012", *creditor, *[""] * 7, amount, currency]
    lines += [*debtor, "QRR", "210000000003139471430009017", "Order of 15 June", "EPD"]
    return "\r\n".join(lines)
