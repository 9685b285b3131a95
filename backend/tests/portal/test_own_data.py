"""The ZIP of everything that is kept about oneself, from the account page and the API."""

import json
from io import BytesIO
from typing import Any
from unittest import TestCase
from unittest.mock import patch
from zipfile import ZipFile

import httpx

from expenses.payments.payout import PayoutDetails, set_payout
from expenses.tickets.saved_filters import save_filter
from expenses.users.models import user_table
from expenses.users.own_data import personal_tables, told_columns
from tests.harness import AppTestCase, password_hash

PATHS = ("/account/data.zip", "/api/me/data")


class Columns(TestCase):
    def test_nothing_that_is_secret_is_told(self) -> None:
        told = [
            f"{table.name}.{column.name}"
            for table in (user_table, *personal_tables())
            for column in told_columns(table)
        ]
        for word in ("hash", "secret", "token", "encrypted", "skeleton", "identity"):
            self.assertEqual([name for name in told if word in name.partition(".")[2]], [])
        for name in ("users.email", "sessions.client", "payout_details.masked"):
            self.assertIn(name, told)


class OwnDataTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.dana = await self.new_employer("Dana")
        self.ada, self.ben = await self.new_employee("Ada"), await self.new_employee("Ben")

    async def archive(self, client: httpx.AsyncClient, path: str = PATHS[0]) -> ZipFile:
        async with self.nothing_changes():
            answer = await client.get(path)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.headers["content-type"], "application/zip")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertIn("contoso-my-data-", answer.headers["content-disposition"])
        archive = ZipFile(BytesIO(answer.content))
        self.assertIsNone(archive.testzip())
        return archive

    def read(self, archive: ZipFile, name: str) -> Any:
        return json.loads(archive.read(name))


class OwnData(OwnDataTestCase):
    async def test_it_holds_the_account_the_tickets_and_the_history(self) -> None:
        ticket = await self.new_ticket(self.ada, description="A train")
        await self.new_receipt(self.ada, ticket)
        await self.new_receipt(self.ada)
        await self.new_receipt(self.ben, await self.new_ticket(self.ben, description="A plane"))
        await self.deny(ticket, by=self.dana, reason="Private")
        details = PayoutDetails("Ada", "DE89370400440532013000", None, None, None)
        async with self.database.transaction() as connection:
            await set_payout(connection, details, actor=self.ada, settings=self.settings)
        browser, program = await self.browser_of(self.ada), await self.program_of(self.ada)
        page = await browser.get("/account")
        self.assertIn(f'href="{PATHS[0]}"', page.text)
        for client, path in zip((browser, program), PATHS, strict=True):
            archive = await self.archive(client, path)
            lists = ["account.json", "tickets.csv", "history.json", "history-by-others.json"]
            names = archive.namelist()
            self.assertEqual(names[:4], lists)
            self.assertRegex(names[4], rf"^receipts/.*_Ada_{ticket}_1\.png$")
            self.assertRegex(names[5], r"^unfiled-receipts/\d+\.png$")
            self.assertEqual(len(names), 6)
            account = self.read(archive, "account.json")
            self.assertEqual(account["users"][0]["email"], self.ada.email)
            self.assertEqual(account["payout_details"][0]["masked"], "DE89 •••• 3000")
            self.assertEqual(len(account["sessions"]), 2)
            self.assertEqual(account.keys(), {"users", *(t.name for t in personal_tables())})
            self.assertIn("A train", archive.read("tickets.csv").decode())
            history = self.read(archive, "history.json")
            self.assertEqual(
                [event["action"] for event in history],
                [
                    "user.registered",
                    "ticket.created",
                    "ticket.receipt_added",
                    "user.payout_changed",
                ],
            )
            [denied] = self.read(archive, "history-by-others.json")
            self.assertEqual(
                (denied["action"], denied["actor"], denied["ticket_id"], denied["details"]),
                ("ticket.denied", "Dana", ticket, {"reason": "Private"}),
            )
            whole = b"".join(archive.read(name) for name in names)
            for secret in (b"A plane", b"Ben", (await password_hash()).encode(), b"0532013000"):
                self.assertNotIn(secret, whole)

    async def test_an_employer_gets_their_decisions_but_no_hidden_ones(self) -> None:
        shown, hidden = await self.new_ticket(self.ada), await self.new_ticket(self.ben)
        for ticket in (shown, hidden):
            await self.approve(ticket, by=self.dana, reason="Fine")
        await self.suspend(self.ben, by=self.dana)
        async with self.database.transaction() as connection:
            await save_filter(connection, "Lunches", "q=lunch", actor=self.dana)
        archive = await self.archive(await self.browser_of(self.dana))
        self.assertEqual(len(archive.namelist()), 4)
        history = self.read(archive, "history.json")
        self.assertEqual(
            [(event["action"], event["ticket_id"], event["user_id"]) for event in history],
            [
                ("user.registered", None, self.dana.id),
                ("ticket.approved", shown, None),
                ("user.suspended", None, self.ben.id),
            ],
        )
        self.assertEqual(self.read(archive, "history-by-others.json"), [])
        [saved] = self.read(archive, "account.json")["saved_filters"]
        self.assertEqual((saved["name"], saved["query"]), ("Lunches", "q=lunch"))

    async def test_a_long_history_comes_in_batches_and_whole(self) -> None:
        tickets = [await self.new_ticket(self.ada) for _ in range(5)]
        for ticket in tickets:
            await self.approve(ticket, by=self.dana)
        with (
            patch("expenses.tickets.own_history.BATCH_SIZE", 2),
            patch("expenses.tickets.export.BATCH_SIZE", 2),
        ):
            archive = await self.archive(await self.browser_of(self.ada))
        for name, action in (
            ("history.json", "ticket.created"),
            ("history-by-others.json", "ticket.approved"),
        ):
            history = self.read(archive, name)
            found = [event["ticket_id"] for event in history if event["action"] == action]
            self.assertEqual(sorted(found), tickets)
            self.assertEqual(len({event["id"] for event in history}), len(history))

    async def test_a_stranger_gets_nothing(self) -> None:
        stranger = await self.client()
        self.assertEqual((await stranger.get(PATHS[0])).status_code, 303)
        self.assert_problem(await stranger.get(PATHS[1]), 401, "not-logged-in")
