"""The list of tickets with the files of their receipts, in one ZIP."""

import zlib
from datetime import timedelta
from io import BytesIO
from typing import Any
from unittest.mock import patch
from zipfile import BadZipFile, ZipFile

import httpx
from sqlalchemy import update

from expenses.errors import StorageUnavailable
from expenses.receipts.storage import Storage
from expenses.users.models import User
from expenses.web.exports.receipts import safe_name
from tests.console.test_export import CSV, TITLES, SendingTestCase, csv_rows, split
from tests.harness import shared_storage, usual_settings

PATH = "/admin/ticket/export/zip"


class ZipTestCase(SendingTestCase):
    async def archive(self, **query: Any) -> ZipFile:
        archive = ZipFile(BytesIO(await self.download(PATH, **query)))
        self.assertIsNone(archive.testzip())
        return archive

    async def files(self, **query: Any) -> list[str]:
        first, *files = (await self.archive(**query)).namelist()
        self.assertEqual(first, "tickets.csv")
        return files


class Content(ZipTestCase):
    async def test_it_holds_the_list_and_each_receipt_under_a_name_that_says_whose_it_is(
        self,
    ) -> None:
        lina, ada = await self.new_employee("李娜"), await self.new_employee("Ada Lovelace")
        day = usual_settings().today() - timedelta(days=3)
        hers = await self.new_ticket(lina, spent_on=day.isoformat())
        without = await self.new_ticket(ada)
        other = await self.new_ticket(ada)
        for _ in range(2):
            await self.new_receipt(lina, hers)
        await self.new_receipt(ada, other)
        await self.new_receipt(ada)
        archive = await self.archive()
        self.assertEqual(
            archive.namelist(),
            [
                "tickets.csv",
                f"{day}_李娜_{hers}_1.png",
                f"{day}_李娜_{hers}_2.png",
                f"{(await self.ticket(other, seen_by=ada)).spent_on}_Ada-Lovelace_{other}_1.png",
            ],
        )
        rows, totals = split(csv_rows(archive.read("tickets.csv"))[1:])
        counts = {int(row[0]): row[TITLES.index("Receipts")] for row in rows}
        self.assertEqual(counts, {hers: "2", without: "0", other: "1"})
        self.assertEqual(totals["USD"][0], "3")
        self.assertEqual(archive.read("tickets.csv"), await self.download(CSV))

    async def test_every_file_is_as_it_was_uploaded(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        await self.new_receipt(ada, ticket)
        contents = b"%PDF " + bytes(range(256)) * 400, b"", b"x"
        for content in contents:
            with patch.object(Storage, "original", return_value=content):
                archive = await self.archive()
            self.assertEqual(archive.read(archive.namelist()[1]), content)
            self.assertEqual(archive.infolist()[1].CRC, zlib.crc32(content))

    async def test_the_filter_and_the_order_of_the_list_hold(self) -> None:
        ada = await self.new_employee("Ada")
        pending, approved, *_ = await self.one_of_each(ada)
        last = await self.new_ticket(ada, description="Train to Turin")
        await self.new_receipt(ada, pending)
        await self.new_receipt(ada, last)
        for query, tickets in (
            ({}, [pending, last]),
            ({"sort": "-filed"}, [last, pending]),
            ({"q": "turin"}, [last]),
            ({"status": "approved"}, []),
        ):
            with self.subTest(query=query):
                names = await self.files(**query)
                self.assertEqual([int(name.split("_")[2]) for name in names], tickets)
        self.assertNotEqual(pending, approved)

    async def test_a_suspended_employees_files_are_absent(self) -> None:
        ada, ben = await self.new_employee(), await self.new_employee()
        for owner in (ada, ben):
            await self.new_receipt(owner, await self.new_ticket(owner))
        self.assertEqual(len(await self.files(status="all")), 2)
        await self.suspend(ben, by=self.boss)
        [name] = await self.files(status="all")
        self.assertIn(safe_name(ada.username), name)

    async def test_an_empty_list_is_a_list_of_nothing(self) -> None:
        archive = await self.archive(q="nothing has this")
        self.assertEqual(archive.namelist(), ["tickets.csv"])
        self.assertEqual(split(csv_rows(archive.read("tickets.csv"))[1:]), ([], {}))

    async def test_each_batch_is_four_statements(self) -> None:
        ada = await self.new_employee()
        for _ in range(7):
            await self.new_receipt(ada, await self.new_ticket(ada))
        with patch("expenses.tickets.export.BATCH_SIZE", 3), self.counted_statements() as sent:
            self.assertEqual(len(await self.files()), 7)
        # The list and the files, each with the tickets of three batches and their receipts.
        self.assertEqual(sum("FROM tickets" in statement.sql for statement in sent), 6)
        self.assertEqual(sum("FROM receipts" in statement.sql for statement in sent), 6)


class Names(ZipTestCase):
    async def test_no_name_of_a_person_leaves_the_folder(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        await self.new_receipt(ada, ticket)
        day = (await self.ticket(ticket, seen_by=ada)).spent_on
        for name, safe in (
            ("../../etc/passwd", "etc-passwd"),
            ("C:\\Windows\\x", "C-Windows-x"),
            ("a/b", "a-b"),
            ("Niall O'Sullivan", "Niall-O-Sullivan"),
            ("a\u202egnp.exe", "a-gnp-exe"),
            ("a\nb\rc\x7f", "a-b-c"),
            ('<a>:"|?*', "a"),
            ("نور عمر", "نور-عمر"),
            ("नमिता", "नमिता"),
            ("Zoë", "Zoë"),
            ("☕ 🧾", "employee"),
            ("..", "employee"),
            ("ab" * 40, "ab" * 25),
            ("𠀀" * 80, "𠀀" * 50),
        ):
            # Past the core, which refuses some of them.
            async with self.database.transaction() as connection:
                await connection.execute(
                    update(User).where(User.id == ada.id).values(username=name)
                )
            with self.subTest(name=name):
                [file] = await self.files()
                self.assertEqual(file, f"{day}_{safe}_{ticket}_1.png")
                self.assertLessEqual(len(file.encode()), 255)


class Sending(ZipTestCase):
    async def test_it_is_a_download_with_a_name_that_nobody_keeps(self) -> None:
        for method in ("GET", "HEAD"):
            answer = await self.browser.request(method, PATH)
            self.assertEqual(answer.status_code, 200)
            name = f"contoso-tickets-{usual_settings().today()}.zip"
            self.assertEqual(
                answer.headers["content-disposition"], f'attachment; filename="{name}"'
            )
            self.assertEqual(answer.headers["content-type"], "application/zip")
            self.assertEqual(answer.headers["cache-control"], "no-store")
            self.assertNotIn("content-encoding", answer.headers)

    async def test_the_list_links_to_it_with_its_filter_unless_it_is_empty(self) -> None:
        link = f'href="{PATH}?q=lunch"'
        self.assertNotIn(link, (await self.listing(q="lunch")).text)
        await self.new_ticket(await self.new_employee(), description="Lunch")
        self.assertIn(link, (await self.listing(q="lunch")).text)

    async def test_a_storage_that_fails_on_the_way_breaks_the_download_off(self) -> None:
        ada = await self.new_employee()
        for _ in range(4):
            await self.new_receipt(ada, await self.new_ticket(ada))
        failing = patch.object(
            Storage, "original", side_effect=[b"one", b"two", StorageUnavailable()]
        )
        with failing, self.assertLogs("expenses.web.failures", "ERROR"):
            half = await self.download(PATH)
        self.assertIn(b"two", half)
        with self.assertRaises(BadZipFile):
            ZipFile(BytesIO(half))
        strict = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://localhost",
            cookies=self.browser.cookies,
        )
        # What the server underneath answers by breaking the connection.
        failing = patch.object(Storage, "original", side_effect=StorageUnavailable())
        logged = self.assertLogs("expenses.web.failures", "ERROR")
        with failing, logged, self.assertRaises(RuntimeError):
            await strict.get(PATH)
        await strict.aclose()

    async def test_a_file_that_is_gone_breaks_the_download_off(self) -> None:
        ada = await self.new_employee()
        ticket = await self.new_ticket(ada)
        await self.new_receipt(ada, ticket)
        receipts = await self.browser.get(f"/api/tickets/{ticket}/receipts")
        await shared_storage().delete(receipts.json()["items"][0]["sha256"])
        with self.assertLogs("expenses.web.failures", "ERROR"), self.assertRaises(BadZipFile):
            await self.archive()

    async def test_whoever_hangs_up_ends_the_work(self) -> None:
        ada = await self.new_employee()
        for _ in range(9):
            await self.new_receipt(ada, await self.new_ticket(ada))
        with patch.object(Storage, "original", return_value=b"one") as read:
            await self.hang_up_after(PATH, messages=4)
        self.assertLess(read.call_count, 5)

    async def test_it_begins_before_anything_is_read(self) -> None:
        ada = await self.new_employee()
        await self.new_receipt(ada, await self.new_ticket(ada))
        failing = patch.object(Storage, "original", side_effect=StorageUnavailable())
        with failing, self.assertLogs("expenses.web.failures", "ERROR"):
            begun = await self.download(PATH)
        self.assertTrue(begun.startswith(b"PK\x03\x04"))
