"""A change that another web site asks the browser for is not carried out, at any door."""

from tests.harness import AppTestCase, ticket_json

ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost:8001"},
)
HERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost"},
    {},
)


class SameOrigin(AppTestCase):
    async def test_every_door_refuses_other_sites(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        ticket = await self.new_ticket(ada)
        hers, theirs = await self.browser_of(ada), await self.browser_of(boss)
        for headers in ELSEWHERE:
            with self.subTest(headers=headers):
                async with self.nothing_changes():
                    for answer in (
                        await hers.post("/tickets", headers=headers),
                        await hers.post(f"/tickets/{ticket}/withdraw", headers=headers),
                        await hers.post("/login", headers=headers),
                        await hers.post("/logout", headers=headers),
                        await theirs.post(f"/admin/ticket/{ticket}/approve", headers=headers),
                        await theirs.post(f"/admin/employee/{ada.id}/suspend", headers=headers),
                    ):
                        self.assertEqual(answer.status_code, 403)
                        self.assertIn("another site", answer.text)
                    answer = await hers.post("/api/tickets", json=ticket_json(), headers=headers)
                    self.assert_problem(answer, 403, "cross-origin")
                self.assertEqual((await hers.get("/tickets")).status_code, 200)

    async def test_this_site_and_programs_are_let_through(self) -> None:
        ada = await self.new_employee()
        browser = await self.browser_of(ada)
        for number, headers in enumerate(HERE):
            answer = await browser.post("/api/tickets", json=ticket_json(), headers=headers)
            self.assertEqual(answer.status_code, 201, headers)
            self.assertEqual(len(await self.events("ticket.created")), number + 1)

    async def test_a_link_from_elsewhere_may_show_a_page(self) -> None:
        browser = await self.browser_of(await self.new_employee())
        page = await browser.get("/tickets", headers={"Sec-Fetch-Site": "cross-site"})
        self.assertEqual(page.status_code, 200)
