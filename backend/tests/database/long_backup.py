"""A company is destroyed under a running server, and comes back."""

import shutil
from typing import Any

import httpx

from expenses.database.embedded import running
from tests.database.test_backup import BackupsTestCase
from tests.harness import ticket_json


class RoundTrip(BackupsTestCase):
    def test_a_destroyed_company_comes_back_as_it_was(self) -> None:
        self.succeed("seed")
        process, address, _ = self.start("serve")
        ada = self.register(address)
        key = {"Idempotency-Key": "subscription-november"}
        ticket = ada.post("/api/tickets", json=ticket_json(), headers=key).json()["id"]
        # While the server is at work.
        self.assertIn(str(self.file), self.succeed("backup", str(self.file)))
        self.end(process)
        self.assertEqual(self.files(), [self.file.name])
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        before = self.embedded_contents()
        for name in ("users", "tickets", "events", "sessions", "idempotency_keys"):
            self.assertTrue(before[name], name)

        shutil.rmtree(self.data_dir)
        self.assertIn("restored", self.succeed("restore", str(self.file)))
        self.assertEqual(self.embedded_contents(), before)

        process, address, _ = self.start("serve")
        ada.base_url = httpx.URL(address)
        again = ada.post("/api/tickets", json=ticket_json(), headers=key)
        self.assertEqual(again.json()["id"], ticket)
        fresh = ada.post("/api/tickets", json=ticket_json()).json()["id"]
        self.assertGreater(fresh, ticket)
        self.end(process)
        after = self.embedded_contents()
        self.assertEqual(len(after["events"]), len(before["events"]) + 1)
        self.assert_append_only()

    def embedded_contents(self) -> dict[str, list[tuple[Any, ...]]]:
        with running(self.data_dir) as postgres:
            return self.contents(postgres.url())

    def assert_append_only(self) -> None:
        with running(self.data_dir) as postgres:
            for statement in ("UPDATE events SET action = ''", "DELETE FROM events"):
                with self.assertRaisesRegex(Exception, "append-only"):
                    self.rows(postgres.url(), statement)
