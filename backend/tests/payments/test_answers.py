"""The bank's answer marks lines as paid: checked first, and never twice."""

from typing import Any
from xml.sax.saxutils import escape

import httpx

from expenses.users.queries import UserView
from tests.payments.bank import IBAN, BankTestCase

SPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def entry(
    amount: str,
    *,
    id: str = "NOTPROVIDED",  # noqa: A002
    text: str = "",
    day: str = "2026-11-20",
    direction: str = "DBIT",
    status: str = "<Cd>BOOK</Cd>",
    more: str = "",
) -> str:
    return f"""<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{more}
      <Sts>{status}</Sts><BookgDt><Dt>{day}</Dt></BookgDt><NtryDtls><TxDtls>
      <Refs><EndToEndId>{id}</EndToEndId></Refs><RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf>
      </TxDtls></NtryDtls></Ntry>"""


def statement(*entries: str, space: str = SPACE, kind: str = "BkToCstmrStmt/Stmt") -> bytes:
    outer, inner = kind.split("/")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{space}"><{outer}><GrpHdr/>'
        f"<{inner}><Id>1</Id>{''.join(entries)}</{inner}></{outer}></Document>"
    ).encode()


class AnswerTestCase(BankTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.cid = await self.new_employee("Cid")
        self.run_id = await self.confirmed(
            (self.ada, "5.00"), (self.ada, "7.50"), (self.ben, "6.00"), (self.cid, "8.00")
        )
        self.number = await self.number_of(self.run_id)
        self.page = f"/admin/payments/{self.run_id}/answer"

    def id_of(self, owner: UserView) -> str:
        return f"{self.number}-{owner.id}"

    async def check(self, content: bytes) -> httpx.Response:
        async with self.nothing_changes():
            return await self.browser.post(self.page, files={"file": ("answer", content)})

    async def save(self, content: bytes) -> httpx.Response:
        return await self.browser.post(f"{self.page}/save", data={"file": content.decode()})

    async def unpaid(self) -> list[str]:
        shares = (await self.api.get(f"/api/payment-runs/{self.run_id}")).json()["shares"]
        return [each["employee"]["username"] for each in shares if each["unpaid_tickets"]]

    async def status(self) -> Any:
        return (await self.api.get(f"/api/payment-runs/{self.run_id}")).json()["status"]


class Statement(AnswerTestCase):
    async def test_is_checked_then_marks_what_it_pays(self) -> None:
        content = statement(
            entry("12.50", id=self.id_of(self.ada)),
            entry("6.01", id=self.id_of(self.ben)),
            entry("99.00", id="RENT-11"),
        )
        page = await self.check(content)
        self.assertEqual(page.status_code, 200)
        for text in (
            "Will be marked as paid",
            "€12.50",
            "Different amount",
            "€6.01",
            "1 other booking",
        ):
            self.assertIn(text, page.text)
        self.assertNotIn("Cid", page.text)
        saved = await self.save(content)
        self.assertEqual(
            (saved.status_code, saved.headers["location"]), (303, f"/admin/payments/{self.run_id}")
        )
        self.assertEqual((await self.unpaid(), await self.status()), (["Ben", "Cid"], "confirmed"))
        [event] = await self.events("payment_run.paid")
        self.assertEqual((event.actor_id, event.details["paid_on"]), (self.boss.id, "2026-11-20"))
        self.assertEqual(len(await self.events("ticket.paid")), 2)

    async def test_marks_nothing_twice(self) -> None:
        content = statement(entry("12.50", id=self.id_of(self.ada)))
        await self.save(content)
        async with self.nothing_changes():
            self.assertEqual((await self.save(content)).status_code, 422)
        self.assertIn("Marked as paid before", (await self.check(content)).text)
        twice = statement(
            entry("6.00", id=self.id_of(self.ben)), entry("6.00", id=self.id_of(self.ben))
        )
        self.assertIn("Unclear", (await self.check(twice)).text)

    async def test_that_pays_everything_ends_the_run(self) -> None:
        content = statement(
            entry("12.50", id=self.id_of(self.ada), day="2026-11-20"),
            entry("6.00", id=self.id_of(self.ben), day="2026-11-21"),
            entry("8.00", id=self.id_of(self.cid), day="2026-11-21"),
        )
        await self.save(content)
        self.assertEqual((await self.unpaid(), await self.status()), ([], "paid"))
        days = [event.details["paid_on"] for event in await self.events("payment_run.paid")]
        self.assertEqual(days, ["2026-11-20", "2026-11-21"])
        async with self.nothing_changes():
            self.assertEqual((await self.save(content)).status_code, 409)

    async def test_of_any_version_and_notifications(self) -> None:
        for kind, version in (
            ("BkToCstmrStmt/Stmt", "camt.053.001.02"),
            ("BkToCstmrDbtCdtNtfctn/Ntfctn", "camt.054.001.08"),
        ):
            content = statement(
                entry("6.00", id=self.id_of(self.ben), status="BOOK"),
                space=f"urn:iso:std:iso:20022:tech:xsd:{version}",
                kind=kind,
            )
            self.assertIn("Will be marked as paid", (await self.check(content)).text)

    async def test_counts_only_what_left_the_account(self) -> None:
        ben = self.id_of(self.ben)
        content = statement(
            entry("6.00", id=ben, direction="CRDT"),
            entry("6.00", id=ben, status="<Cd>PDNG</Cd>"),
            entry("6.00", id=ben, more="<RvslInd>true</RvslInd>"),
        )
        self.assertNotIn("Will be marked as paid", (await self.check(content)).text)
        async with self.nothing_changes():
            self.assertEqual((await self.save(content)).status_code, 422)

    async def test_is_matched_by_text_where_it_is_clear(self) -> None:
        one = f"CONTOSO {self.number}, 1 expense"
        content = statement(entry("6.00", text=f"SEPA {one}"), entry("8.00", text=one))
        self.assertIn("Will be marked as paid", (await self.check(content)).text)
        await self.save(content)
        self.assertEqual(await self.unpaid(), ["Ada"])

    async def test_is_not_matched_by_text_where_it_could_be_anybody(self) -> None:
        dee = await self.new_employee("Dee")
        await self.new_due_ticket(dee, by=self.boss, amount="3.00", currency="EUR")
        await self.new_due_ticket(self.ada, by=self.boss, amount="3.00", currency="EUR")
        self.run_id = await self.new_run(by=self.boss, currency="EUR")
        await self.confirm(self.run_id, by=self.boss)
        self.page = f"/admin/payments/{self.run_id}/answer"
        text = f"Contoso {await self.number_of(self.run_id)}, 1 expense"
        page = await self.check(statement(entry("3.00", text=text)))
        self.assertIn("Unclear", page.text)
        await self.pay_some(self.run_id, self.ada)
        async with self.nothing_changes():
            saved = await self.save(statement(entry("3.00", text=text)))
            self.assertEqual(saved.status_code, 422)


class Table(AnswerTestCase):
    async def test_of_references(self) -> None:
        content = f"Reference;Amount;Date\n{self.id_of(self.ben)};-6,00;20.11.2026\n".encode()
        self.assertIn("Will be marked as paid", (await self.check(content)).text)
        await self.save(content)
        self.assertEqual(await self.unpaid(), ["Ada", "Cid"])

    async def test_that_the_check_keeps_is_read_again(self) -> None:
        page = await self.check(statement(entry("6.00", id=self.id_of(self.ben))))
        kept = page.text.partition('name="file" value="')[2].partition('"')[0]
        await self.save(kept.encode())
        self.assertEqual(await self.unpaid(), ["Ada", "Cid"])


class Refusals(AnswerTestCase):
    async def test_what_cannot_be_read_is_named(self) -> None:
        entity = b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Document>&b;</Document>'
        for content, said in (
            (b"", "empty"),
            (b"<Document/>", "not a bank statement"),
            (b"<Document>", "damaged"),
            (entity, "damaged"),
            (b"name,amount\nAda,5\n", "name the columns"),
            (b"reference,amount\nx,many\n", "row 2"),
            (statement(entry("9" * 40, id=self.id_of(self.ben))), "cannot be read"),
            (f"reference,amount\nx,{'9' * 40}\n".encode(), "row 2"),
            (statement(entry("many", id=self.id_of(self.ben))), "cannot be read"),
            (statement(entry("6.00", id=self.id_of(self.ben), day="soon")), "cannot be read"),
        ):
            with self.subTest(said=said):
                page = await self.check(content)
                self.assertEqual(page.status_code, 422)
                self.assertIn(said, page.text)
        for day in ("2999-01-01", "1815-12-10"):
            async with self.nothing_changes():
                content = statement(entry("6.00", id=self.id_of(self.ben), day=day))
                self.assertEqual((await self.save(content)).status_code, 422)

    async def test_a_draft_has_no_answer(self) -> None:
        await self.payout(self.ada, iban=IBAN)
        await self.new_due_ticket(self.ada, by=self.boss, currency="EUR")
        draft = await self.new_run(by=self.boss, currency="EUR")
        content = b"reference\n1\n"
        for path in ("answer", "answer/save"):
            async with self.nothing_changes():
                page = await self.browser.post(
                    f"/admin/payments/{draft}/{path}", files={"file": ("a.csv", content)}
                )
                self.assertEqual(page.status_code, 409)
