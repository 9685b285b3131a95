"""Files that no receipt has are deleted after a day; one that a receipt has, never."""

import asyncio
import random
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

from obstore.store import LocalStore
from sqlalchemy import select, text

from expenses.database.embedded.data_folder import sync
from expenses.errors import InvalidInput, StorageUnavailable
from expenses.receipts import actions, cleaning
from expenses.receipts.actions import StoredReceipt
from expenses.receipts.cleaning import delete_old_drafts, delete_unused_files
from expenses.receipts.inspection import Inspection, Kind
from expenses.receipts.models import receipt_table
from expenses.receipts.storage import Storage
from expenses.users.queries import UserView
from tests.harness import CommittingTestCase

LOOKED_AT = Inspection(Kind.PNG, 1, (b"page",), b"thumbnail", None, ())


class CleaningTestCase(CommittingTestCase):
    owner: UserView

    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.storage = Storage(LocalStore(self.folder))

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.owner = await self.new_employee()

    async def store(self, content: bytes) -> StoredReceipt:
        sha256 = await self.storage.save(content, LOOKED_AT)
        return StoredReceipt("receipt.png", len(content), sha256, LOOKED_AT)

    async def add(self, ticket_id: int, file: StoredReceipt) -> int:
        async with self.database.transaction() as connection:
            return await actions.add_receipt(
                connection, ticket_id, file, actor=self.owner, storage=self.storage
            )

    async def remove(self, ticket_id: int, receipt_id: int) -> None:
        async with self.database.transaction() as connection:
            await actions.remove_receipt(connection, ticket_id, receipt_id, actor=self.owner)

    async def clean(self, kept: timedelta = cleaning.UNUSED_FILES_KEPT) -> int:
        with patch.object(cleaning, "UNUSED_FILES_KEPT", kept):
            return await delete_unused_files(self.database, self.storage)

    async def clean_a_day_later(self) -> int:
        """The first run finds out what is unused; the second is a day after it."""
        await self.clean()
        return await self.clean(timedelta(0))

    async def assert_whole(self, file: StoredReceipt) -> None:
        self.assertTrue(await self.storage.claim(file.sha256, file.inspection))


class Files(CleaningTestCase):
    async def test_without_a_receipt_go_after_a_day(self) -> None:
        used, unused = await self.store(b"used"), await self.store(b"unused")
        await self.add(await self.new_ticket(self.owner), used)
        self.assertEqual([await self.clean() for _ in range(3)], [0, 0, 0])
        self.assertTrue(await self.storage.has(unused.sha256))
        self.assertEqual(await self.clean(timedelta(0)), 1)
        self.assertEqual(list(self.folder.rglob(f"{unused.sha256}/*")), [])
        await self.assert_whole(used)

    async def test_whose_receipt_is_removed_are_kept_for_a_day_from_then_on(self) -> None:
        ticket, file = await self.new_ticket(self.owner), await self.store(b"once used")
        receipt = await self.add(ticket, file)
        await self.clean_a_day_later()
        await self.remove(ticket, receipt)
        self.assertEqual(await self.clean(timedelta(0)), 0)
        self.assertTrue(await self.storage.has(file.sha256))
        self.assertEqual(await self.clean(timedelta(0)), 1)

    async def test_that_are_added_again_begin_anew(self) -> None:
        ticket, file = await self.new_ticket(self.owner), await self.store(b"again")
        await self.clean()
        receipt = await self.add(ticket, await self.store(b"again"))
        self.assertEqual(await self.clean(timedelta(0)), 0)
        await self.remove(ticket, receipt)
        self.assertEqual(await self.clean(timedelta(0)), 0)
        await self.assert_whole(file)

    async def test_that_a_restored_database_names_again_are_kept(self) -> None:
        ticket, file = await self.new_ticket(self.owner), await self.store(b"restored")
        await self.add(ticket, file)
        await self.storage.mark_unused(file.sha256)
        self.assertEqual(await self.clean(timedelta(0)), 0)
        self.assertIsNone(await self.storage.unused_since(file.sha256))

    async def test_of_others_in_the_same_place_are_left_alone(self) -> None:
        for name in ("lost+found", "ab/notes.txt", "ab/abc/original", f"ab/{'a' * 64}/original"):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("somebody's")
        self.assertEqual(await self.clean_a_day_later(), 0)
        self.assertEqual(len([path for path in self.folder.rglob("*") if path.is_file()]), 4)

    async def test_that_are_deleted_while_they_are_uploaded_are_to_be_added_again(self) -> None:
        def delete_before(path: Path) -> None:
            if path.name == "original":
                path.unlink()
            sync(path)

        with patch("expenses.receipts.storage.sync", delete_before):
            file = await self.store(b"deleted")
        ticket = await self.new_ticket(self.owner)
        async with self.nothing_changes():
            with self.assertRaises(InvalidInput):
                await self.add(ticket, file)
        await self.add(ticket, await self.store(b"deleted"))
        await self.assert_whole(file)

    async def test_that_are_half_there_are_completed_by_the_next_upload(self) -> None:
        file = await self.store(b"half")
        for name in ("1.webp", "thumbnail.webp"):
            await asyncio.to_thread(next(self.folder.rglob(name)).unlink)
        ticket = await self.new_ticket(self.owner)
        async with self.nothing_changes():
            with self.assertRaises(InvalidInput):
                await self.add(ticket, file)
        await self.add(ticket, await self.store(b"half"))
        await self.assert_whole(file)


class Drafts(CleaningTestCase):
    async def test_go_after_seven_days_unless_their_ticket_is_filed(self) -> None:
        numbers = [await self.new_receipt(self.owner) for _ in range(3)]
        ticket = await self.new_ticket(self.owner)
        async with self.database.transaction() as connection:
            await actions.attach_drafts(connection, ticket, numbers[:1], actor=self.owner)
            for number, days in zip(numbers, (8, 8, 6), strict=True):
                await connection.execute(
                    text(
                        f"UPDATE receipts SET added_at = now() - interval '{days} days'"
                        f" WHERE id = {number}"
                    )
                )
            await delete_old_drafts(connection)
            left = await connection.scalars(select(receipt_table.c.id).order_by("id"))
        self.assertEqual(list(left), [numbers[0], numbers[2]])


class AtOnce(CleaningTestCase):
    """The same few files come and go while others clean up all the time."""

    CONTENTS: ClassVar = [b"one", b"two"]
    ROUNDS = 25

    async def test_a_file_that_a_receipt_has_is_there(self) -> None:
        tickets = [await self.new_ticket(self.owner) for _ in range(4)]
        self.added, self.cleaning = 0, True
        with patch.object(cleaning, "UNUSED_FILES_KEPT", timedelta(0)):
            cleaners = [asyncio.create_task(self.clean_all_the_time()) for _ in range(2)]
            await asyncio.gather(*(self.come_and_go(ticket) for ticket in tickets))
            self.cleaning = False
            deleted = sum(await asyncio.gather(*cleaners))
        # All of that says nothing unless it did happen.
        self.assertGreater(self.added, self.ROUNDS)
        self.assertGreater(deleted, 0)

    async def come_and_go(self, ticket: int) -> None:
        for _ in range(self.ROUNDS):
            file = await self.store(random.choice(self.CONTENTS))
            try:
                receipt = await self.add(ticket, file)
            except InvalidInput:
                # Deleted before the receipt had it: the person is told to add it again.
                continue
            self.added += 1
            await self.assert_whole(file)
            await asyncio.sleep(random.uniform(0, 0.01))
            await self.assert_whole(file)
            await self.remove(ticket, receipt)

    async def clean_all_the_time(self) -> int:
        deleted = 0
        while self.cleaning:
            deleted += await delete_unused_files(self.database, self.storage)
        return deleted


class Power(CleaningTestCase):
    async def test_a_file_is_on_the_disk_before_its_receipt_is_in_the_database(self) -> None:
        synced: list[Path] = []
        with patch("expenses.receipts.storage.sync", synced.append):
            file = await self.store(b"lasting")
        original = self.folder / file.sha256[:2] / file.sha256 / "original"
        self.assertLessEqual({original, *original.parents[:3]}, {*synced})

    async def test_a_full_disk_is_said(self) -> None:
        full = patch("expenses.receipts.storage.sync", side_effect=OSError("No space left"))
        with full, self.assertRaises(StorageUnavailable):
            await self.store(b"new")
