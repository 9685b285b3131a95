"""How much a request may bring along."""

from collections.abc import AsyncIterator

from expenses.web.security.body_limit import LARGER_BODY_SIZES, MAX_BODY_SIZE, largest_body
from tests.harness import AppTestCase, ticket_json


class Limits(AppTestCase):
    async def test_only_imports_and_receipts_may_be_larger(self) -> None:
        (_, file), (_, statement), (_, receipt), (_, receipts) = LARGER_BODY_SIZES
        for path, largest in (
            ("/tickets", receipts),
            ("/tickets/receipts", receipts),
            ("/tickets/7/receipts", receipts),
            ("/tickets/7", MAX_BODY_SIZE),
            ("/tickets/import", file),
            ("/tickets/import/save", file),
            ("/tickets/importer", MAX_BODY_SIZE),
            ("/admin/payments/7/answer", statement),
            ("/admin/payments/7/answer/save", statement),
            ("/admin/payments/7", MAX_BODY_SIZE),
            ("/api/tickets/7/receipts", receipt),
            ("/api/tickets/7/receipts/8", MAX_BODY_SIZE),
            ("/api/tickets", MAX_BODY_SIZE),
        ):
            self.assertEqual(largest_body(path), largest, path)

    async def test_an_announced_length_is_refused_at_once(self) -> None:
        api = await self.program_of(await self.new_employee())
        async with self.nothing_changes():
            answer = await api.post("/api/tickets", json=ticket_json(description="x" * 1_000_000))
        problem = self.assert_problem(answer, 413, "content-too-large")
        self.assertEqual(problem["detail"], "Send at most 1 MB.")

    async def test_an_unannounced_one_is_refused_where_the_limit_is_reached(self) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1
                yield b"x" * 100_000

        browser = await self.browser_of(await self.new_employee())
        for path, most in (("/tickets/7", 11), ("/tickets/import", 161)):
            sent = 0
            async with self.nothing_changes():
                page = await browser.post(
                    path,
                    content=endless(),
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                )
            self.assertEqual(page.status_code, 413)
            self.assertIn("Too large", page.text)
            self.assertEqual(sent, most)
