"""What nobody has foreseen: answered properly, without a word of what it was."""

from unittest.mock import patch

from tests.harness import AppTestCase


class Unexpected(AppTestCase):
    async def test_pages_and_api_answer_without_details(self) -> None:
        boss = await self.new_employer()
        browser = await self.browser_of(boss)
        with (
            patch(
                "expenses.tickets.lists.list_tickets",
                side_effect=RuntimeError("the secret cause"),
            ),
            self.assertLogs("expenses.web.failures", "ERROR") as logs,
        ):
            page = await browser.get("/admin/ticket/list")
            answer = await browser.get("/api/tickets")
        self.assertEqual(page.status_code, 500)
        self.assertIn("text/html", page.headers["content-type"])
        self.assertNotIn("secret", page.text)
        body = self.assert_problem(answer, 500, "unexpected")
        self.assertNotIn("secret", str(body))
        self.assertIn("the secret cause", "".join(logs.output))
        self.assertEqual(body["request_id"], answer.headers["x-request-id"])
        self.assertIn(page.headers["x-request-id"], page.text)

    async def test_unknown_paths_have_their_page_and_their_problem(self) -> None:
        client = await self.client()
        page = await client.get("/nowhere")
        self.assertEqual(page.status_code, 404)
        self.assertIn('href="/"', page.text)
        self.assert_problem(await client.get("/api/nowhere"), 404, "not-found")
        self.assert_problem(await client.put("/api/tickets"), 405, "method-not-allowed")

    async def test_an_unknown_host_is_refused(self) -> None:
        client = await self.client()
        answer = await client.get("/login", headers={"Host": "evil.example"})
        self.assertEqual(answer.status_code, 400)
        self.assertNotIn("evil", answer.text)
