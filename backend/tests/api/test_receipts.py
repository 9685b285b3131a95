"""Receipts through the API: added, read and removed; each with its event."""

import hashlib
from decimal import Decimal
from typing import Any

import httpx
from PIL import Image
from sqlalchemy import select

from expenses.receipts.models import receipt_table
from expenses.users.queries import UserView
from tests.harness import AppTestCase, CommittingTestCase, make_settings
from tests.receipts.documents import encoded, pdf

PHOTO = encoded(Image.new("RGB", (400, 300), "#ccc"), "JPEG")
INVOICE = b"""<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>R-7</cbc:ID><cbc:IssueDate>2026-11-02</cbc:IssueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyName><cbc:Name>Northwind</cbc:Name></cac:PartyName>
</cac:Party></cac:AccountingSupplierParty>
<cac:LegalMonetaryTotal><cbc:TaxInclusiveAmount currencyID="EUR">110.70</cbc:TaxInclusiveAmount>
<cbc:PayableAmount currencyID="EUR">110.70</cbc:PayableAmount></cac:LegalMonetaryTotal></Invoice>"""


class ReceiptTestCase(AppTestCase):
    owner: UserView
    number: int

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.owner = await self.new_employee("Ada")
        self.number = await self.new_ticket(self.owner)
        self.api = await self.program_of(self.owner)
        self.address = f"/api/tickets/{self.number}/receipts"

    async def add(
        self, content: bytes, name: str = "photo.jpg", api: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        return await (api or self.api).post(self.address, files={"file": (name, content)})

    async def rows(self) -> list[Any]:
        async with self.database.reading() as connection:
            return list((await connection.execute(select(receipt_table))).all())


class Add(ReceiptTestCase):
    async def test_a_photo_is_added_listed_and_read(self) -> None:
        before = await self.ticket(self.number, seen_by=self.owner)
        answer = await self.add(PHOTO, "C:\\photos\\lunch.PNG")
        self.assertEqual(answer.status_code, 201, answer.text)
        receipt = answer.json()
        sha256 = hashlib.sha256(PHOTO).hexdigest()
        self.assertEqual(
            {**receipt, "id": 0, "added_at": ""},
            {
                "id": 0,
                "name": "lunch.jpg",
                "kind": "jpeg",
                "size": len(PHOTO),
                "sha256": sha256,
                "pages": 1,
                "invoice": None,
                "added_at": "",
            },
        )
        self.assertEqual((await self.api.get(self.address)).json(), {"items": [receipt]})
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.ticket_id, event.details),
            (
                "ticket.receipt_added",
                self.owner.id,
                self.number,
                {"name": "lunch.jpg", "size": len(PHOTO), "sha256": sha256},
            ),
        )
        after = await self.ticket(self.number, seen_by=self.owner)
        self.assertGreaterEqual(after.updated_at, before.updated_at)
        original = await self.api.get(f"{self.address}/{receipt['id']}")
        self.assertEqual(original.content, PHOTO)
        self.assertEqual(original.headers["content-type"], "image/jpeg")
        self.assertEqual(
            original.headers["content-disposition"], "attachment; filename*=UTF-8''lunch.jpg"
        )
        self.assertIn("sandbox", original.headers["content-security-policy"])
        self.assertEqual(original.headers["x-content-type-options"], "nosniff")

    async def test_a_pdf_is_not_compressed_once_more(self) -> None:
        number = (await self.add(pdf(pages=5), "taxi.pdf")).json()["id"]
        answer = await self.api.get(f"{self.address}/{number}", headers={"Accept-Encoding": "gzip"})
        self.assertGreater(len(answer.content), 500)
        self.assertNotIn("content-encoding", answer.headers)

    async def test_a_picture_is_sent_once(self) -> None:
        number = (await self.add(PHOTO)).json()["id"]
        for path in ("preview", "preview?page=1", "thumbnail"):
            answer = await self.api.get(f"{self.address}/{number}/{path}")
            self.assertEqual(answer.headers["content-type"], "image/webp")
            self.assertEqual(answer.content[8:12], b"WEBP")
            again = await self.api.get(
                f"{self.address}/{number}/{path}",
                headers={"If-None-Match": answer.headers["etag"]},
            )
            self.assertEqual((again.status_code, again.content), (304, b""))
        answer = await self.api.get(f"{self.address}/{number}/preview?page=2")
        self.assert_problem(answer, 404, "not-found")

    async def test_an_invoice_is_read(self) -> None:
        receipt = (await self.add(INVOICE, "R-7.xml")).json()
        self.assertEqual((receipt["kind"], receipt["pages"]), ("xml", 0))
        self.assertEqual(
            receipt["invoice"],
            {
                "reader": "ubl",
                "number": "R-7",
                "code": None,
                "date": "2026-11-02",
                "amount": "110.70",
                "currency": "EUR",
                "merchant": "Northwind",
            },
        )
        [row] = await self.rows()
        self.assertEqual(row.invoice_amount, Decimal("110.70"))

    async def test_the_same_file_again_is_the_one_that_is_there(self) -> None:
        first = (await self.add(PHOTO)).json()
        async with self.nothing_changes():
            self.assertEqual((await self.add(PHOTO, "other.jpg")).json(), first)
        self.assertEqual(len(await self.rows()), 1)

    async def test_what_is_no_receipt_is_refused(self) -> None:
        for content, name in (
            (b"", "empty.pdf"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture.pdf"),
            (b"<html><script>alert(1)</script></html>", "page.pdf"),
            (PHOTO[:200], "half.jpg"),
        ):
            async with self.nothing_changes():
                body = self.assert_problem(await self.add(content, name), 422, "unreadable-file")
            self.assertEqual([error["field"] for error in body["errors"]], ["file"], name)
        self.assertEqual(await self.rows(), [])

    async def test_a_larger_file_is_refused(self) -> None:
        async with self.nothing_changes():
            answer = await self.add(b"%PDF-1.7" + bytes(10 * 1024 * 1024))
            body = self.assert_problem(answer, 422, "unreadable-file")
            self.assertIn("too large", body["errors"][0]["message"])
            answer = await self.add(bytes(11_000_000))
            self.assert_problem(answer, 413, "content-too-large")

    async def test_a_ticket_has_at_most_ten(self) -> None:
        for _ in range(10):
            await self.new_receipt(self.owner, self.number)
        async with self.nothing_changes():
            body = self.assert_problem(await self.add(PHOTO), 422, "invalid-input")
        self.assertEqual(body["errors"][0]["message"], "A ticket has at most 10 receipts.")

    async def test_a_day_has_a_limit(self) -> None:
        self.app.state.settings = make_settings(upload_megabytes=1)
        large = encoded(Image.effect_noise((900, 900), 100), "PNG")
        self.assertGreater(len(large), 500_000)
        self.assertEqual((await self.add(large)).status_code, 201)
        async with self.nothing_changes():
            answer = await self.add(large + b" ")
            self.assert_problem(answer, 429, "too-many-attempts")
        self.assertIn("retry-after", answer.headers)

    async def test_a_decided_ticket_takes_no_more(self) -> None:
        number = await self.new_receipt(self.owner, self.number)
        await self.approve(self.number, by=await self.new_employer())
        async with self.nothing_changes():
            self.assert_problem(await self.add(PHOTO), 409, "not-pending")
            answer = await self.api.delete(f"{self.address}/{number}")
            self.assert_problem(answer, 409, "not-pending")

    async def test_others_see_what_they_see_of_the_ticket(self) -> None:
        number = await self.new_receipt(self.owner, self.number)
        boss = await self.new_employer()
        colleague = await self.program_of(await self.new_employee())
        employer = await self.program_of(boss)
        paths = ("", f"/{number}", f"/{number}/preview", f"/{number}/thumbnail")
        for path in paths:
            self.assertEqual((await employer.get(self.address + path)).status_code, 200)
            answer = await colleague.get(self.address + path)
            self.assert_problem(answer, 404, "not-found")
        async with self.nothing_changes():
            self.assert_problem(await self.add(PHOTO, api=employer), 403, "forbidden")
            self.assert_problem(await self.add(PHOTO, api=colleague), 404, "not-found")
        await self.suspend(self.owner, by=boss)
        for path in paths:
            answer = await employer.get(self.address + path)
            self.assert_problem(answer, 404, "not-found")
            answer = await self.api.get(self.address + path)
            self.assert_problem(answer, 401, "not-logged-in")

    async def test_a_receipt_of_another_ticket_is_not_found(self) -> None:
        number = await self.new_receipt(self.owner, await self.new_ticket(self.owner))
        draft = await self.new_receipt(self.owner)
        for other in (number, draft):
            async with self.nothing_changes():
                answer = await self.api.get(f"{self.address}/{other}")
                self.assert_problem(answer, 404, "not-found")
                answer = await self.api.delete(f"{self.address}/{other}")
                self.assert_problem(answer, 404, "not-found")


class Remove(ReceiptTestCase):
    async def test_it_is_removed_and_the_history_says_which(self) -> None:
        receipt = (await self.add(PHOTO)).json()
        answer = await self.api.delete(f"{self.address}/{receipt['id']}")
        self.assertEqual((answer.status_code, answer.content), (204, b""))
        self.assertEqual((await self.api.get(self.address)).json(), {"items": []})
        event = await self.last_event()
        self.assertEqual(event.action, "ticket.receipt_removed")
        self.assertEqual(event.details["sha256"], receipt["sha256"])


class Decide(CommittingTestCase):
    async def test_a_receipt_that_came_meanwhile_was_not_seen(self) -> None:
        owner = await self.new_employee()
        boss = await self.browser_of(await self.new_employer())
        number = await self.new_ticket(owner)
        seen = (await self.ticket(number, seen_by=owner)).updated_at
        receipt = await self.new_receipt(owner, number)
        api = await self.program_of(owner)
        for change in (None, api.delete(f"/api/tickets/{number}/receipts/{receipt}")):
            if change is not None:
                seen = (await self.ticket(number, seen_by=owner)).updated_at
                self.assertEqual((await change).status_code, 204)
            async with self.nothing_changes():
                answer = await boss.post(
                    f"/admin/ticket/{number}/approve", data={"seen": seen.isoformat()}
                )
            self.assertEqual(answer.status_code, 409)
