"""The files by which a bank pays: an order in SEPA's format, else CSV."""

import csv
from decimal import Decimal
from importlib.resources import files
from io import StringIO
from typing import Any

from lxml import etree

from expenses.payments.actions import set_in_cash
from tests.payments.bank import COMPANY_IBAN, IBAN, OTHER_IBAN, BankTestCase

# The one that ISO publishes; a library for bank files carries it.
SCHEMA = etree.XMLSchema(
    etree.fromstring((files("sepaxml") / "schemas" / "pain.001.001.09.xsd").read_bytes())
)
SPACE = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


class Order:
    """A bank's order, valid by the schema."""

    def __init__(self, text: str) -> None:
        self.root = etree.fromstring(text.encode())
        SCHEMA.assertValid(self.root)

    def texts(self, path: str) -> list[str]:
        steps = "/".join(f"p:{name}" for name in path.split("/"))
        return [found.text for found in self.root.iterfind(f".//{steps}", SPACE)]


class SepaFile(BankTestCase):
    async def order(self, run: int) -> Order:
        return Order((await self.made(run))["content"])

    async def test_has_a_transfer_for_each_employee(self) -> None:
        await self.payout(self.ada, holder="Ada Lovelace", iban=IBAN, bic="ABNANL2A")
        await self.payout(self.ben, iban=OTHER_IBAN)
        run = await self.confirmed(
            (self.ada, "12.50"), (self.ada, "0.07"), (self.ben, "300.00"), (self.ada, "1.00")
        )
        number = await self.number_of(run)
        file = await self.made(run)
        self.assertEqual(
            (file["name"], file["media_type"], file["employees"], file["amount"]),
            (f"payment-{number}.xml", "application/xml", 2, "313.57"),
        )
        self.assertEqual(file["left_out"], [])
        order = Order(file["content"])
        today = self.settings.today().isoformat()
        for path, texts in {
            "GrpHdr/MsgId": [f"EXPENSES-{number}"],
            "GrpHdr/NbOfTxs": ["2"],
            "GrpHdr/CtrlSum": ["313.57"],
            "PmtInf/CtrlSum": ["313.57"],
            "PmtInf/PmtTpInf/SvcLvl/Cd": ["SEPA"],
            "PmtInf/ReqdExctnDt/Dt": [today],
            "PmtInf/Dbtr/Nm": ["Contoso"],
            "PmtInf/DbtrAcct/Id/IBAN": [COMPANY_IBAN],
            "PmtInf/DbtrAgt/FinInstnId/Othr/Id": ["NOTPROVIDED"],
            "CdtTrfTxInf/PmtId/EndToEndId": [
                f"{number}-{self.ada.id}",
                f"{number}-{self.ben.id}",
            ],
            "CdtTrfTxInf/Amt/InstdAmt": ["13.57", "300.00"],
            "CdtTrfTxInf/CdtrAgt/FinInstnId/BICFI": ["ABNANL2A"],
            "CdtTrfTxInf/Cdtr/Nm": ["Ada Lovelace", "Ben"],
            "CdtTrfTxInf/CdtrAcct/Id/IBAN": [IBAN, OTHER_IBAN],
            "CdtTrfTxInf/RmtInf/Ustrd": [
                f"Contoso {number}, 3 expenses",
                f"Contoso {number}, 1 expense",
            ],
        }.items():
            with self.subTest(path=path):
                self.assertEqual(order.texts(path), texts)

    async def test_names_the_bank_of_the_company(self) -> None:
        self.set_company(
            company="Müller & Söhne", company_iban=COMPANY_IBAN, company_bic="COBADEFF"
        )
        await self.payout(self.ada, iban=IBAN)
        order = await self.order(await self.confirmed((self.ada, "5.00")))
        self.assertEqual(order.texts("PmtInf/DbtrAgt/FinInstnId/BICFI"), ["COBADEFF"])
        self.assertEqual(order.texts("PmtInf/Dbtr/Nm"), ["Muller + Sohne"])

    async def test_is_in_the_characters_and_lengths_of_banks(self) -> None:
        for holder, written in {
            "Łukasz Ørsted_Æ": "Lukasz Orsted-AE",
            "张伟": "zhang wei",
            "Иван Петров": "Ivan Petrov",
            "//A//B/ <script>": "A/B/ .script.",
            "\u200b😀": "NOTPROVIDED",
            "ß" * 70: "s" * 70,
        }.items():
            with self.subTest(holder=holder):
                async with self.undone():
                    await self.payout(self.ada, holder=holder, iban=IBAN)
                    order = await self.order(await self.confirmed((self.ada, "5.00")))
                    self.assertEqual(order.texts("CdtTrfTxInf/Cdtr/Nm"), [written])
        self.set_company(company="C" * 70, company_iban=COMPANY_IBAN)
        await self.payout(self.ada, iban=IBAN)
        order = await self.order(await self.confirmed((self.ada, "5.00")))
        [text] = order.texts("CdtTrfTxInf/RmtInf/Ustrd")
        self.assertLessEqual(len(text), 140)

    def undone(self) -> Any:
        return self.database.undone()  # type: ignore[attr-defined]

    async def test_leaves_out_who_has_no_account_or_gets_cash(self) -> None:
        cid, dee = await self.new_employee("Cid"), await self.new_employee("Dee")
        await self.payout(self.ada, iban=IBAN)
        await self.payout(self.ben, iban=OTHER_IBAN)
        await self.payout(dee, account="6222 0212", bank="ICBC")
        run = await self.confirmed(
            (self.ada, "5.00"), (self.ben, "6.00"), (cid, "7.00"), (dee, "8.00")
        )
        async with self.database.transaction() as connection:
            await set_in_cash(connection, run, self.ben.id, True, actor=self.boss)
        file = await self.made(run)
        self.assertEqual((file["employees"], file["amount"]), (1, "5.00"))
        self.assertEqual(
            [
                (each["employee"]["username"], each["amount"], each["reason"])
                for each in file["left_out"]
            ],
            [
                ("Ben", "6.00", "in-cash"),
                ("Cid", "7.00", "no-details"),
                ("Dee", "8.00", "no-details"),
            ],
        )
        page = await self.browser.get(f"/admin/payments/{run}/file")
        for text in ("Ben", "in cash", "Cid", "no payout details", "Dee"):
            self.assertIn(text, page.text)

    async def test_has_the_same_ids_until_some_of_it_is_paid(self) -> None:
        await self.payout(self.ada, iban=IBAN)
        await self.payout(self.ben, iban=OTHER_IBAN)
        run = await self.confirmed((self.ada, "5.00"), (self.ben, "6.00"), (self.ben, "7.00"))
        number = await self.number_of(run)
        for _ in range(2):
            order = await self.order(run)
            self.assertEqual(order.texts("GrpHdr/MsgId"), [f"EXPENSES-{number}"])
        await self.pay_some(run, self.ada)
        file = await self.made(run)
        rest = Order(file["content"])
        self.assertEqual(rest.texts("GrpHdr/MsgId"), [f"EXPENSES-{number}-R2"])
        self.assertEqual(rest.texts("EndToEndId"), [f"{number}-{self.ben.id}"])
        self.assertEqual([each["reason"] for each in file["left_out"]], ["paid"])
        await self.pay_some(run, self.ben)
        whole = await self.order(run)
        self.assertEqual(whole.texts("GrpHdr/MsgId"), [f"EXPENSES-{number}"])
        self.assertEqual(whole.texts("GrpHdr/CtrlSum"), ["18.00"])

    async def test_hides_suspended_employees(self) -> None:
        await self.payout(self.ada, iban=IBAN)
        await self.payout(self.ben, iban=OTHER_IBAN)
        run = await self.confirmed((self.ada, "5.00"), (self.ben, "6.00"))
        await self.pay(run, by=self.boss)
        await self.suspend(self.ben, by=self.boss)
        file = await self.made(run)
        self.assertEqual(
            file["left_out"], [{"employee": None, "amount": "6.00", "reason": "hidden"}]
        )
        self.assertNotIn(OTHER_IBAN, file["content"])
        page = await self.browser.get(f"/admin/payments/{run}/file")
        self.assertNotIn("Ben", page.text)


class Refusals(BankTestCase):
    async def test_a_draft_has_no_file(self) -> None:
        await self.payout(self.ada, iban=IBAN)
        await self.new_due_ticket(self.ada, by=self.boss, currency="EUR")
        run = await self.new_run(by=self.boss, currency="EUR")
        async with self.nothing_changes():
            for kind in ("sepa", "csv"):
                self.assert_problem(await self.make(run, kind), 409, "payment-run-changed")
                page = await self.browser.post(f"/admin/payments/{run}/file/{kind}")
                self.assertEqual(page.status_code, 409)
            page = await self.browser.get(f"/admin/payments/{run}/file")
            self.assertEqual(page.status_code, 409)

    async def test_sepa_needs_euros_an_account_and_somebody_to_pay(self) -> None:
        run = await self.confirmed((self.ada, "5.00"))
        async with self.nothing_changes():
            self.assert_problem(await self.make(run), 409, "nobody-to-pay")
            page = await self.browser.post(f"/admin/payments/{run}/file/sepa")
            self.assertEqual(page.status_code, 409)
            self.assertIn("would pay nobody", page.text)
            self.assertIn("There is nobody to pay by bank.", page.text)
            self.assertNotIn(f"/admin/payments/{run}/file/csv", page.text)
        await self.payout(self.ada, iban=IBAN)
        dollars = await self.confirmed((self.ada, "5.00"), currency="USD")
        async with self.nothing_changes():
            self.assert_problem(await self.make(dollars), 422, "invalid-input")
            self.assert_problem(await self.make(dollars, "pdf"), 422, "invalid-input")
            page = await self.browser.post(f"/admin/payments/{dollars}/file/pdf")
            self.assertEqual(page.status_code, 404)
        self.set_company()
        async with self.nothing_changes():
            problem = self.assert_problem(await self.make(run), 409, "no-company-account")
            self.assertIn("COMPANY_IBAN", problem["detail"])
            for page in (
                await self.browser.post(f"/admin/payments/{run}/file/sepa"),
                await self.browser.get(f"/admin/payments/{run}/file"),
            ):
                self.assertIn("COMPANY_IBAN", page.text)
        self.assertEqual((await self.make(run, "csv")).status_code, 200)

    async def test_a_run_that_is_not_there(self) -> None:
        for run in (4711, 2**70):
            self.assert_problem(await self.make(run), 404, "not-found")


class CsvFile(BankTestCase):
    async def rows(self, run: int) -> list[list[str]]:
        return list(csv.reader(StringIO((await self.made(run, "csv"))["content"])))

    async def test_has_a_line_for_each_employee(self) -> None:
        await self.payout(
            self.ada, holder="张伟", account="6222021234567890123", bank="中国工商银行"
        )
        await self.payout(self.ben, iban=OTHER_IBAN, bic="PSSTFRPP")
        run = await self.confirmed(
            (self.ada, "5.00"), (self.ada, "7.50"), (self.ben, "6.00"), currency="CNY"
        )
        number = await self.number_of(run)
        self.assertEqual(
            await self.rows(run),
            [
                ["name", "account", "bank", "amount", "currency", "reference", "email"],
                [
                    "张伟",
                    "6222021234567890123",
                    "中国工商银行",
                    "12.50",
                    "CNY",
                    f"Contoso {number}, 2 expenses",
                    self.ada.email,
                ],
                [
                    "Ben",
                    OTHER_IBAN,
                    "PSSTFRPP",
                    "6.00",
                    "CNY",
                    f"Contoso {number}, 1 expense",
                    self.ben.email,
                ],
            ],
        )

    async def test_has_the_columns_of_the_setting(self) -> None:
        self.set_company(payment_csv_columns="run,iban,bic,amount")
        await self.payout(self.ada, account="6222", bank="ICBC")
        run = await self.confirmed((self.ada, "500"), currency="JPY")
        self.assertEqual(
            await self.rows(run),
            [["run", "iban", "bic", "amount"], [await self.number_of(run), "", "", "500"]],
        )

    async def test_holds_no_formulas(self) -> None:
        await self.payout(self.ada, holder="=1+1", account="@SUM", bank="+cmd")
        run = await self.confirmed((self.ada, "5.00"), currency="CNY")
        self.assertEqual((await self.rows(run))[1][:3], ["'=1+1", "'@SUM", "'+cmd"])


class Download(BankTestCase):
    async def test_is_noted_and_not_kept(self) -> None:
        await self.payout(self.ada, iban=IBAN)
        run = await self.confirmed((self.ada, "5.00"), (self.ben, "6.00"))
        number = await self.number_of(run)
        for kind, start in (("sepa", "<?xml"), ("csv", "\ufeffname,")):
            answer = await self.browser.post(f"/admin/payments/{run}/file/{kind}")
            self.assertEqual(answer.status_code, 200)
            extension = {"sepa": "xml"}.get(kind, kind)
            self.assertEqual(
                answer.headers["content-disposition"],
                f'attachment; filename="payment-{number}.{extension}"',
            )
            self.assertEqual(answer.headers["cache-control"], "no-store")
            self.assertEqual(answer.text[: len(start)], start)
            event = await self.last_event()
            self.assertEqual(
                (event.action, event.actor_id, event.details),
                (
                    "payment_run.file_made",
                    self.boss.id,
                    {
                        "run": number,
                        "run_id": run,
                        "kind": kind,
                        "employees": 1,
                        "left_out": 1,
                    },
                ),
            )
            self.assertNotIn(IBAN, str(event.details))
        history = await self.browser.get("/admin/history")
        self.assertRegex(history.text, "made the bank file of")
        # Looking at who is in it is no download.
        async with self.nothing_changes():
            page = await self.browser.get(f"/admin/payments/{run}/file")
            self.assertNotIn(IBAN, page.text)

    async def test_sums_are_exact(self) -> None:
        await self.payout(self.ada, iban=IBAN)
        amounts = ["0.10", "0.20", "9999999.99"]
        run = await self.confirmed(*((self.ada, amount) for amount in amounts))
        order = Order((await self.made(run))["content"])
        self.assertEqual(order.texts("GrpHdr/CtrlSum"), [str(sum(map(Decimal, amounts)))])
