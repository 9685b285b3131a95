"""Two processes on one S3 server, which is killed in the middle of an upload and comes back."""

import hashlib
import os
import socket
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import httpx
from PIL import Image

from expenses.errors import StorageUnavailable
from expenses.receipts.storage import open_storage
from tests.harness import TestCase, make_settings
from tests.long_processes import ServersTestCase, two_servers
from tests.receipts.documents import encoded
from tests.receipts.s3_server import HALF, S3Server

PHOTO = encoded(Image.new("RGB", (400, 300), "#ccc"), "JPEG")
LARGE = encoded(Image.effect_noise((1800, 1800), 100), "PNG")


class TwoProcessesOnOneS3(ServersTestCase):
    def setUp(self) -> None:
        self.s3 = S3Server(Path(self.enterContext(tempfile.TemporaryDirectory())))
        self.addCleanup(self.s3.close)
        self.here, self.there = self.enterContext(two_servers(**self.s3.variables))
        super().setUp()
        self.ticket = f"/api/tickets/{self.file(self.here).json()['id']}"

    def add(self, address: str, content: bytes, ticket: str | None = None) -> httpx.Response:
        return httpx.post(
            f"{address}{ticket or self.ticket}/receipts",
            files={"file": ("photo", content)},
            headers=self.ada,
            timeout=60,
        )

    def original(self, address: str, receipt: int) -> httpx.Response:
        return httpx.get(f"{address}{self.ticket}/receipts/{receipt}", headers=self.ada, timeout=60)

    def listed(self, address: str) -> list[str]:
        answer = httpx.get(f"{address}{self.ticket}/receipts", headers=self.ada)
        return [each["sha256"] for each in answer.json()["items"]]

    def history(self) -> list[str]:
        answer = httpx.get(f"{self.here}{self.ticket}/history", headers=self.ada)
        return [each["action"] for each in answer.json()["items"]]

    def test_what_one_keeps_the_other_reads(self) -> None:
        receipt = self.add(self.here, PHOTO).json()
        folder = f"company/{receipt['sha256'][:2]}/{receipt['sha256']}"
        self.assertEqual(
            self.s3.names(),
            [f"{folder}/{name}" for name in ("1.webp", "original", "thumbnail.webp")],
        )
        for address in (self.here, self.there):
            self.assertEqual(self.original(address, receipt["id"]).content, PHOTO)

    def test_the_same_file_at_once_is_kept_once(self) -> None:
        other = f"/api/tickets/{self.file(self.there).json()['id']}"
        answers = self.at_both(
            lambda: self.add(self.here, LARGE), lambda: self.add(self.there, LARGE, other)
        )
        self.assertEqual([answer.status_code for answer in answers], [201, 201])
        self.assertEqual(len([name for name in self.s3.names() if name.endswith("original")]), 1)

    def test_an_upload_that_the_server_does_not_survive_has_not_happened(self) -> None:
        self.assertGreater(len(LARGE), 2 * HALF)
        first = self.add(self.here, PHOTO).json()
        before = self.history()
        self.s3.kill_during_the_next_upload()
        self.assert_unavailable(self.add(self.here, LARGE))
        # Nothing but files needs it.
        for address in (self.here, self.there):
            self.assertEqual(self.listed(address), [first["sha256"]])
            self.assert_unavailable(self.original(address, first["id"]))
            self.assert_unavailable(self.add(address, LARGE))
        self.assertEqual(self.history(), before)
        self.s3.start()
        self.assertEqual(self.original(self.there, first["id"]).content, PHOTO)
        self.assertEqual(
            [x for x in self.s3.names() if x.endswith(f"{sha256(LARGE)}/original")], []
        )
        again = self.add(self.there, LARGE)
        self.assertEqual(again.status_code, 201, again.text)
        self.assertEqual(self.original(self.here, again.json()["id"]).content, LARGE)
        self.assertEqual(self.history(), [*before, "ticket.receipt_added"])

    def assert_unavailable(self, answer: httpx.Response) -> None:
        self.assertEqual((answer.status_code, answer.json()["code"]), (503, "storage-unavailable"))


class Silence(TestCase):
    async def test_a_service_that_does_not_answer_is_not_waited_for_for_minutes(self) -> None:
        silent = self.enterContext(socket.create_server(("127.0.0.1", 0)))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret"}
        with patch.dict(os.environ, keys | {"AWS_ENDPOINT_URL": address, "NO_PROXY": "*"}):
            storage = open_storage(make_settings(storage_url="s3://bucket"))
        started = time.monotonic()
        with self.assertRaises(StorageUnavailable):
            await storage.has(sha256(PHOTO))
        self.assertLess(time.monotonic() - started, 30)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
