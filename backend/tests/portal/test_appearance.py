"""Choosing light or dark pages."""

from tests.harness import PASSWORD, AppTestCase


class Appearance(AppTestCase):
    async def test_a_choice_lasts_through_logging_in_and_out(self) -> None:
        user = await self.new_employee()
        browser = await self.client()
        self.assertNotIn("data-theme", (await browser.get("/login")).text)
        answer = await browser.post("/appearance", data={"theme": "dark", "next": "/language"})
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, "/language"))
        self.assertIn('data-theme="dark"', (await browser.get("/language")).text)
        await browser.post("/login", data={"email": user.email, "password": PASSWORD})
        self.assertIn('data-theme="dark"', (await browser.get("/tickets")).text)
        await browser.post("/logout")
        self.assertIn('data-theme="dark"', (await browser.get("/login")).text)
        await browser.post("/appearance", data={"theme": ""})
        self.assertNotIn("data-theme", (await browser.get("/login")).text)

    async def test_others_are_refused(self) -> None:
        browser = await self.client()
        page = await browser.post("/appearance", data={"theme": "pink"})
        self.assertEqual(page.status_code, 422)
        self.assertIn("Choose System, Light or Dark.", page.text)
        self.assertNotIn("data-theme", (await browser.get("/login")).text)
