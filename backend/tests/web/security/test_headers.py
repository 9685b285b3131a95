"""What every answer of every door tells the browser, errors included."""

from unittest.mock import patch

from tests.harness import AppTestCase, make_settings


class SecurityHeaders(AppTestCase):
    async def test_every_answer_has_them(self) -> None:
        browser = await self.browser_of(await self.new_employer())
        with (
            patch("expenses.users.queries.list_employees", side_effect=RuntimeError),
            self.assertLogs("expenses.web.failures", "ERROR"),
        ):
            answers = [
                await browser.get("/admin/ticket/list"),
                await browser.get("/login"),
                await browser.get("/nowhere"),
                await browser.get("/api/me"),
                await browser.get("/api/nowhere"),
                await browser.get("/api/employees"),
                await browser.get("/static/app.css"),
                await browser.get("/health"),
                await browser.post("/logout", headers={"Sec-Fetch-Site": "cross-site"}),
                await browser.get("/login", headers={"Host": "evil.example"}),
            ]
        self.assertEqual(
            [answer.status_code for answer in answers],
            [200, 303, 404, 200, 404, 500, 200, 200, 403, 400],
        )
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertEqual(answer.headers["referrer-policy"], "same-origin")
            self.assertIn("camera=()", answer.headers["permissions-policy"])
            self.assertNotIn("strict-transport-security", answer.headers)

    async def test_private_pages_are_not_kept_and_hashed_files_are(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        page = await browser.get("/tickets")
        self.assertEqual(page.headers["cache-control"], "no-store")
        style = page.text.partition('href="/static/app.css')[2].partition('"')[0]
        kept = await browser.get(f"/static/app.css{style}")
        self.assertIn("immutable", kept.headers["cache-control"])
        self.assertEqual(kept.headers["content-encoding"], "gzip")

    async def test_over_https_it_stays_https(self) -> None:
        client = await self.client(self.start_app(make_settings(cookie_secure=True)))
        answer = await client.get("/login")
        self.assertIn("max-age=", answer.headers["strict-transport-security"])
