"""What is written down: one line a request, and never a secret."""

import io
import json
import logging
from typing import Any
from unittest.mock import patch

import httpx

from expenses.observability.logs import JsonFormatter, ReadableFormatter
from expenses.web.security.cookies import SESSION
from tests.harness import PASSWORD, AppTestCase


class LogTestCase(AppTestCase):
    formatter: type[logging.Formatter] = JsonFormatter

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.written = io.StringIO()
        handler = logging.StreamHandler(self.written)
        handler.setFormatter(self.formatter())
        ours = logging.getLogger("expenses")
        level = ours.level
        ours.addHandler(handler)
        ours.setLevel(logging.INFO)
        self.addCleanup(ours.setLevel, level)
        self.addCleanup(ours.removeHandler, handler)

    def lines(self, logger: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.written.getvalue().splitlines()]
        return [line for line in found if line["logger"] == f"expenses.{logger}"]


class Requests(LogTestCase):
    async def test_each_has_a_line_with_its_number_user_status_and_time(self) -> None:
        ada = await self.new_employee()
        api = await self.program_of(ada)
        answers = [
            await api.get("/api/tickets?q=secret%20wish"),
            await api.get("/api/tickets/99"),
            await (await self.client()).get("/tickets"),
            await api.get("/static/app.css"),
        ]
        lines = self.lines("web.instrumentation")
        self.assertEqual(
            [(line["message"], line["status"], line.get("user")) for line in lines],
            [
                ("GET /api/tickets", 200, ada.id),
                ("GET /api/tickets/99", 404, ada.id),
                ("GET /tickets", 303, None),
                ("GET /static/app.css", 200, None),
            ],
        )
        for line, answer in zip(lines, answers, strict=True):
            self.assertEqual(line["request"], answer.headers["x-request-id"])
            self.assertEqual(line["address"], "127.0.0.1")
            self.assertGreater(line["ms"], 0)
        self.assertEqual(len({line["request"] for line in lines}), 4)
        self.assertNotIn("secret", self.written.getvalue())

    async def test_a_refusal_says_its_code(self) -> None:
        dana = await self.new_employer()
        api = await self.program_of(dana)
        answer = await api.post("/api/tickets/99/approve")
        [line] = self.lines("web.problems")
        self.assertEqual(line["message"], "Refused: not-found")
        self.assertEqual(line["request"], answer.headers["x-request-id"])


class History(LogTestCase):
    async def test_decisions_and_suspensions(self) -> None:
        ada, dana = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        api = await self.program_of(dana)
        await api.post(f"/api/tickets/{ticket}/approve")
        await api.post(f"/api/tickets/{ticket}/approve")
        await api.post(f"/api/employees/{ada.id}/suspend")
        written = [
            (line["message"], line["actor"], line.get("ticket"), line.get("on_user"))
            for line in self.lines("history")
        ]
        self.assertEqual(
            written[-2:],
            [("ticket.approved", dana.id, ticket, None), ("user.suspended", dana.id, None, ada.id)],
        )
        self.assertEqual([line[0] for line in written].count("ticket.approved"), 1)

    async def test_what_is_rolled_back_has_not_happened(self) -> None:
        ada, dana = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        api = await self.program_of(dana)
        with patch("expenses.tickets.queries.get_ticket", side_effect=RuntimeError("late")):
            answer = await api.post(f"/api/tickets/{ticket}/approve")
        self.assertEqual(answer.status_code, 500)
        self.assertEqual((await self.ticket(ticket, seen_by=ada)).status, "pending")
        self.assertNotIn("ticket.approved", [line["message"] for line in self.lines("history")])


class LogIn(LogTestCase):
    async def log_in(self, email: str, password: str) -> httpx.Response:
        return await (await self.client()).post(
            "/login", data={"email": email, "password": password}
        )

    async def test_good_and_bad_without_a_secret(self) -> None:
        ada = await self.new_employee()
        wrong = "my wrong password"
        await self.log_in(ada.email, wrong)
        answer = await self.log_in(ada.email, PASSWORD)
        await self.log_in("nobody@contoso.example", PASSWORD)
        browser = await self.client(Cookie=f"{SESSION}={answer.cookies[SESSION]}")
        token = (
            await browser.post("/api/session", json={"email": ada.email, "password": PASSWORD})
        ).json()["token"]
        await browser.get("/api/me", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(
            [
                (line["level"], line["message"], line.get("on_user"))
                for line in self.lines("users.sessions")
            ],
            [
                ("WARNING", "Log-in refused: wrong-password", ada.id),
                ("INFO", "Logged in", ada.id),
                ("WARNING", "Log-in refused: not-registered", None),
                ("INFO", "Logged in", ada.id),
            ],
        )
        for secret in (wrong, PASSWORD, token, answer.cookies[SESSION]):
            self.assertNotIn(secret, self.written.getvalue())


class Readable(LogTestCase):
    formatter = ReadableFormatter

    async def test_nobody_writes_a_line_of_their_own(self) -> None:
        client = await self.client()
        await client.get("/a%0A2026-11-23 INFO expenses.history: ticket.approved%1b[31m%e2%80%a8b")
        with patch(
            "expenses.web.health.migrations.current_revision",
            side_effect=RuntimeError("one\n2026-11-23 INFO forged"),
        ):
            await client.get("/ready")
        for line in self.written.getvalue().splitlines():
            self.assertRegex(line, r"^(\d{4}-\d\d-\d\dT[\d:.]+\+00:00 [A-Z]+ [\w.]+: |    )")
        self.assertIn(r"/a\n2026-11-23 INFO", self.written.getvalue())
        self.assertNotIn("\x1b", self.written.getvalue())
