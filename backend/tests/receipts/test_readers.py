"""What invoices state exactly, by every reader."""

import unittest
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from expenses.receipts.inspection import Invoice, UnreadableFile, inspect
from tests.receipts.documents import (
    DIGITAL_FAPIAO,
    DIGITAL_LINES,
    EPC,
    PAPER_FAPIAO,
    PAPER_LINES,
    attached,
    cii,
    einvoice_cn,
    encoded,
    factur_x,
    pdf,
    photo,
    swiss_qr,
    ubl,
    zugferd_1,
)

NORTHWIND = Invoice(
    "cii",
    number="RE-2026-17",
    date=date(2026, 11, 2),
    amount=Decimal("119.00"),
    currency="EUR",
    merchant="Northwind Traders GmbH",
)


class ReaderTestCase(unittest.IsolatedAsyncioTestCase):
    async def read(self, content: bytes | str) -> Invoice:
        inspection = await inspect(content.encode() if isinstance(content, str) else content)
        assert inspection.invoice
        self.assertEqual(inspection.conflicting, ())
        return inspection.invoice

    async def read_codes(self, *codes: str) -> Invoice | None:
        return (await inspect(encoded(photo(*codes), "JPEG"))).invoice

    async def amount_of(self, content: str) -> str:
        return str((await self.read(content)).amount)


class InXml(ReaderTestCase):
    async def test_cross_industry_invoices(self) -> None:
        self.assertEqual(await self.read(cii()), NORTHWIND)

    async def test_what_is_due_else_what_was_paid(self) -> None:
        self.assertEqual(await self.amount_of(cii(due="89.00")), "89.00")
        self.assertEqual(await self.amount_of(cii(due="0.00")), "119.00")
        self.assertEqual(await self.amount_of(cii(due="-20.00")), "119.00")
        self.assertEqual(await self.amount_of(ubl(payable="89")), "89.00")
        self.assertEqual(await self.amount_of(ubl(payable="0.00")), "119.00")

    async def test_universal_business_language(self) -> None:
        self.assertEqual(
            await self.read(ubl()),
            Invoice(
                "ubl",
                number="2026/0042",
                date=date(2026, 11, 3),
                amount=Decimal("119.00"),
                currency="EUR",
                merchant="Fabrikam AB",
            ),
        )

    async def test_the_fully_digital_invoices_of_china(self) -> None:
        self.assertEqual(
            await self.read(einvoice_cn()),
            Invoice(
                "einvoice-cn",
                number="25327000001739485410",
                date=date(2025, 12, 29),
                amount=Decimal("6598.00"),
                currency="CNY",
                merchant="昆山北风贸易有限公司",
            ),
        )

    async def test_credit_notes_are_refused(self) -> None:
        for content in (ubl(kind="CreditNote"), cii(kind="381")):
            with self.assertRaises(UnreadableFile) as raised:
                await inspect(content.encode())
            self.assertIn("credit note", raised.exception.fields["file"])

    async def test_what_cannot_be_true_is_left_out(self) -> None:
        far = f"{datetime.now(UTC).date() + timedelta(days=90):%Y%m%d}"
        found = await self.read(cii(day=far, total="-5", due="-5", seller="x" * 121, number=" "))
        self.assertEqual(found, Invoice("cii", currency="EUR"))
        found = await self.read(cii(currency="XXX", day="20261332"))
        self.assertEqual((found.currency, found.amount, found.date), (None, None, None))
        for amount in ("NaN", "1e3000", "119.005", "99999999999", "119,00"):
            self.assertIsNone((await self.read(cii(total=amount, due=amount))).amount, amount)


class InPdfs(ReaderTestCase):
    async def test_factur_x(self) -> None:
        found = await self.read(factur_x(cii()))
        self.assertEqual(found.reader, "factur-x")
        self.assertEqual((found.number, found.amount), (NORTHWIND.number, NORTHWIND.amount))

    async def test_zugferd_1(self) -> None:
        self.assertEqual(
            await self.read(attached({"ZUGFeRD-invoice.xml": zugferd_1()})),
            Invoice(
                "factur-x",
                number="471102",
                date=date(2013, 3, 5),
                amount=Decimal("235.62"),
                currency="EUR",
                merchant="Lieferant GmbH",
            ),
        )

    async def test_a_credit_note_in_a_pdf_fills_nothing_in(self) -> None:
        self.assertIsNone((await inspect(factur_x(cii(kind="381")))).invoice)

    async def test_a_fully_digital_fapiao(self) -> None:
        self.assertEqual(
            await self.read(pdf(DIGITAL_LINES, DIGITAL_FAPIAO)),
            Invoice(
                "fapiao",
                number="25312000000012345678",
                date=date(2025, 11, 2),
                amount=Decimal("113.00"),
                currency="CNY",
                merchant="上海北风（中国）贸易有限公司",
            ),
        )

    async def test_the_total_of_an_older_fapiao_is_in_its_text(self) -> None:
        self.assertEqual(
            await self.read(pdf(PAPER_LINES, PAPER_FAPIAO)),
            Invoice(
                "fapiao",
                number="12345678",
                code="031002000311",
                date=date(2025, 11, 2),
                amount=Decimal("113.00"),
                currency="CNY",
                merchant="上海北风贸易有限公司",
            ),
        )

    async def test_a_total_below_the_amount_before_tax_is_none(self) -> None:
        lines = [(x, y, text.replace("113", "99")) for x, y, text in PAPER_LINES]
        self.assertIsNone((await self.read(pdf(lines, PAPER_FAPIAO))).amount)

    async def test_the_same_on_two_pages(self) -> None:
        pages = pdf(PAPER_LINES, PAPER_FAPIAO, pages=2)
        found = await self.read(pages)
        self.assertEqual((found.number, found.merchant), ("12345678", "上海北风贸易有限公司"))


class OnPhotos(ReaderTestCase):
    async def test_fapiao(self) -> None:
        found = await self.read_codes(DIGITAL_FAPIAO)
        assert found
        self.assertEqual((found.amount, found.merchant), (Decimal("113.00"), None))
        found = await self.read_codes(PAPER_FAPIAO)
        assert found
        self.assertEqual((found.code, found.number), ("031002000311", "12345678"))
        self.assertIsNone(found.amount)

    async def test_two_invoices_on_one_photo_are_none(self) -> None:
        self.assertIsNone(await self.read_codes(DIGITAL_FAPIAO, PAPER_FAPIAO))

    async def test_payment_codes(self) -> None:
        self.assertEqual(
            await self.read_codes(EPC),
            Invoice("epc", amount=Decimal("123.45"), currency="EUR", merchant="Wikimedia e.V."),
        )
        self.assertEqual(
            await self.read_codes(swiss_qr()),
            Invoice(
                "swiss-qr",
                amount=Decimal("1949.75"),
                currency="CHF",
                merchant="Robert Schneider AG",
            ),
        )

    async def test_other_codes_say_nothing(self) -> None:
        for code in ("https://example.com", "01,32,,1234,1,2,3,", "BCD\n009\n1\nSCT", "SPC\n0200"):
            self.assertIsNone(await self.read_codes(code), code)


class SeveralReaders(ReaderTestCase):
    async def test_they_complement_each_other(self) -> None:
        code = EPC.replace("123.45", "119").replace("Wikimedia e.V.", "Northwind Traders")
        found = await self.read(factur_x(cii(), pdf(code=code)))
        self.assertEqual((found.reader, found.number), ("factur-x", "RE-2026-17"))

    async def test_a_number_that_begins_like_another_is_not_the_same(self) -> None:
        one = cii(number="RE-2026-1", day="20261103", seller="Fabrikam")
        inspection = await inspect(attached({"1.xml": one, "2.xml": ubl(number="RE-2026-17")}))
        self.assertIsNone(inspection.invoice)
        self.assertEqual(len(inspection.conflicting), 2)

    async def test_where_they_disagree_nothing_is_filled_in(self) -> None:
        inspection = await inspect(factur_x(cii(), pdf(code=EPC)))
        self.assertIsNone(inspection.invoice)
        self.assertEqual([said.reader for said in inspection.conflicting], ["factur-x", "epc"])
        self.assertEqual(
            [said.amount for said in inspection.conflicting], [Decimal("119.00"), Decimal("123.45")]
        )
