"""Choosing light or dark pages."""

import re

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


class OnAPhone(AppTestCase):
    async def test_the_desk_can_be_installed(self) -> None:
        browser = await self.client()
        page = await browser.get("/login")
        found = re.search(r'<link rel="manifest" href="([^"]+)"', page.text)
        assert found is not None
        answer = await browser.get(found[1])
        self.assertEqual(answer.headers["content-type"], "application/manifest+json")
        self.assertIn("manifest-src 'self'", page.headers["content-security-policy"])
        manifest = answer.json()
        self.assertEqual((manifest["start_url"], manifest["display"]), ("/", "standalone"))
        for icon in manifest["icons"]:
            picture = await browser.get(f"/static/{icon['src']}")
            self.assertEqual(picture.headers["content-type"], icon["type"])
            if icon["type"] == "image/png":
                # Its width is told in the first chunk.
                width = int.from_bytes(picture.content[16:20], "big")
                self.assertEqual(icon["sizes"], f"{width}x{width}")
