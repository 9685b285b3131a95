"""The files of receipts go into a backup with the rows, and come back with them."""

import hashlib
import tarfile
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

from expenses.database import archive
from expenses.receipts.storage import Storage, open_storage
from tests.database.test_backup import BackupsTestCase
from tests.harness import TestCase, empty_database, make_settings, new_role

ROW = """
INSERT INTO receipts (owner_id, name, kind, size, sha256, pages)
SELECT min(id), 'receipt.pdf', 'pdf', {size}, '{sha256}', 1 FROM users
"""


class FilesTestCase(BackupsTestCase):
    CONTENTS: ClassVar = [b"%PDF of a hotel", b"%PDF of a train", bytes(2_000_000)]

    def setUp(self) -> None:
        super().setUp()
        self.here, self.there = self.folder.parent / "here", self.folder.parent / "there"
        self.url, self.target = self.new_demo_company(), empty_database(owner=new_role())
        # The demo's own are kept elsewhere.
        self.rows(self.url, "DELETE FROM receipts")
        for content in self.CONTENTS:
            sha256 = hashlib.sha256(content).hexdigest()
            self.rows(self.url, ROW.format(size=len(content), sha256=sha256))
            for name, part in (("1.webp", b"page"), ("original", content)):
                path = self.here / sha256[:2] / sha256 / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(part)

    def back_up(self) -> None:
        ended = self.run_command(
            "backup", str(self.file), DATABASE_URL=self.url, STORAGE_URL=self.here.as_uri()
        )
        self.assertEqual((ended.status, ended.stderr), (0, ""))

    def restore(self) -> None:
        self.succeed("restore", str(self.file), **self.at_target())

    def at_target(self) -> dict[str, str]:
        return {"DATABASE_URL": self.target, "STORAGE_URL": self.there.as_uri()}

    def assert_not_restored(self, *words: str) -> None:
        refused = self.run_command("restore", str(self.file), **self.at_target())
        self.assert_refused(refused, str(self.file), *words)
        self.assertEqual(self.contents(self.target), {})
        self.assertEqual(kept_in(self.there), {})

    def originals(self) -> list[Path]:
        return sorted(self.here.rglob("original"))


class WithFiles(FilesTestCase):
    def test_they_come_back_with_their_rows(self) -> None:
        self.back_up()
        self.assertEqual(self.files(), [self.file.name])
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.restore()
        self.assertEqual(kept_in(self.there), kept_in(self.here))
        self.assertEqual(self.contents(self.target), self.contents(self.url))

    def test_what_was_left_damaged_is_replaced(self) -> None:
        self.back_up()
        before = kept_in(self.here)
        self.originals()[0].write_bytes(b"")
        self.there = self.here
        self.restore()
        self.assertEqual(kept_in(self.here), before)

    def test_marks_and_files_of_others_stay_where_they_are(self) -> None:
        before = kept_in(self.here)
        self.originals()[0].with_name("unused").touch()
        (self.here / "notes.txt").write_text("somebody's")
        self.back_up()
        self.restore()
        self.assertEqual(kept_in(self.there), before)

    def test_any_tar_unpacks_it(self) -> None:
        self.back_up()
        with tarfile.open(self.file) as opened:
            names = opened.getnames()
            [name] = [
                name for name in names if name.endswith(f"{digest_of(b'%PDF of a hotel')}/original")
            ]
            content = opened.extractfile(name)
            assert content is not None
            self.assertEqual(content.read(), b"%PDF of a hotel")
        self.assertEqual((names[0], names[-1], len(names)), ("database.dump", "summary.json", 8))

    def test_one_that_is_changed_restores_nothing(self) -> None:
        self.back_up()
        whole = self.file.read_bytes()
        for part, word in ((b"%PDF of a train", "original is not what"), (b"page", "was changed")):
            with self.subTest(part=part):
                self.file.write_bytes(whole.replace(part, part.swapcase(), 1))
                self.assert_not_restored(word)
        for length in (len(whole) - 1100, len(whole) // 2, len(whole) // 2 // 512 * 512):
            with self.subTest(length=length):
                self.file.write_bytes(whole[:length])
                self.assert_not_restored("end is missing")
        self.file.write_bytes(whole.replace(b'"format":1', b'"format":2'))
        self.assert_not_restored("newer version")
        self.file.write_bytes(whole)
        self.restore()

    def test_an_archive_that_would_write_elsewhere_restores_nothing(self) -> None:
        self.back_up()
        whole = self.file.read_bytes()
        name = b"files/" + str(self.originals()[0].relative_to(self.here)).encode()
        for other in (b"files/../../outside", b"../outside", b"files//etc/outside"):
            with tarfile.open(self.file) as opened:
                info = opened.getmember(name.decode())
                header = info.tobuf(tarfile.GNU_FORMAT)
                info.name = other.decode()
            self.file.write_bytes(whole.replace(header, info.tobuf(tarfile.GNU_FORMAT)))
            self.assert_not_restored("outside")
            self.file.write_bytes(whole)

    def test_a_backup_from_before_receipts_is_restored(self) -> None:
        self.back_up()
        self.file.write_bytes(self.dump_alone())
        self.restore()
        self.assertEqual(self.contents(self.target), self.contents(self.url))
        self.assertEqual(kept_in(self.there), {})

    def test_a_damaged_file_is_not_backed_up(self) -> None:
        self.originals()[0].write_bytes(b"rotten")
        refused = self.run_command(
            "backup", str(self.file), DATABASE_URL=self.url, STORAGE_URL=self.here.as_uri()
        )
        path = str(self.originals()[0].relative_to(self.here))
        self.assert_refused(refused, str(self.file), path, "damaged", "older backup")
        self.assertEqual(self.files(), [])

    def test_files_that_are_missing_are_counted(self) -> None:
        ended = self.run_command(
            "backup", str(self.file), DATABASE_URL=self.url, STORAGE_URL=self.there.as_uri()
        )
        self.assertEqual(ended.status, 0)
        self.assertIn("3 files of receipts are not in it", ended.stderr)
        self.assertIn("STORAGE_URL", ended.stderr)

    def test_a_storage_that_cannot_be_used_leaves_no_file(self) -> None:
        with patch.object(Storage, "read_all", side_effect=OSError(5, "Input/output error")):
            refused = self.run_command("backup", str(self.file), DATABASE_URL=self.url)
        self.assert_refused(refused, "was not made", "Input/output error")
        self.assertEqual(self.files(), [])


class Interrupted(FilesTestCase):
    """By a signal, which `main` turns into an exit."""

    def test_a_backup_that_ends_among_the_files_was_not_made(self) -> None:
        with patch.object(Storage, "is_intact", side_effect=SystemExit(0)):
            refused = self.run_command(
                "backup", str(self.file), DATABASE_URL=self.url, STORAGE_URL=self.here.as_uri()
            )
        self.assert_refused(refused, "Ended before it was done")
        self.assertEqual(self.files(), [])

    def test_a_restore_that_ends_among_the_files_can_be_repeated(self) -> None:
        self.back_up()
        put_back, written = Storage.put_back, 0

        async def end_later(storage: Storage, path: str, content: bytes) -> None:
            nonlocal written
            written += 1
            if written > 3:
                raise SystemExit(0)
            await put_back(storage, path, content)

        with patch.object(Storage, "put_back", end_later):
            refused = self.run_command("restore", str(self.file), **self.at_target())
        self.assert_refused(refused, "Ended before it was done")
        self.assertEqual(self.contents(self.target), {})
        self.restore()
        self.assertEqual(kept_in(self.there), kept_in(self.here))
        self.assertEqual(self.contents(self.target), self.contents(self.url))


class Memory(TestCase):
    FILES, SIZE = 60, 3_000_000

    async def test_is_the_same_however_many_files_there_are(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        file, dump, copy = folder / "backup", folder / "dump", folder / "copy"
        dump.write_bytes(bytes(20_000_000))
        storage = open_storage(make_settings(data_dir=folder))
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        with patch.object(storage, "read_all", self.many_files):
            await archive.write(file, dump, storage)
        archive.check(file, copy, storage)
        await archive.put_back(file, storage)
        _, peak = tracemalloc.get_traced_memory()
        self.assertGreater(file.stat().st_size, self.FILES * self.SIZE)
        self.assertLess(peak, 10 * self.SIZE)
        self.assertEqual(copy.stat().st_size, dump.stat().st_size)
        self.assertEqual(len([file async for file in storage.files()]), self.FILES)

    async def many_files(self) -> AsyncIterator[tuple[str, bytes]]:
        for number in range(self.FILES):
            content = bytes([number]) * self.SIZE
            sha256 = digest_of(content)
            yield f"{sha256[:2]}/{sha256}/original", content


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def kept_in(folder: Path) -> dict[str, bytes]:
    """Every file of a storage by its path, but for marks and for files of others."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"unused", "notes.txt"}
    }
