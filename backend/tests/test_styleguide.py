"""The demo's style guide: it has everything that the style sheet has."""

import re

from expenses import styleguide
from tests.harness import AppTestCase, usual_settings

# The first words of the style sheet's comments; what follows the last one belongs to one page.
FIRST, LAST = "Tokens", "Empty state"
# They only place what they are on.
LAYOUT = {"aside", "filters", "import", "narrow", "number", "palette", "row-end"}


class StyleGuide(AppTestCase):
    async def test_is_in_the_demo_only(self) -> None:
        browser = await self.client()
        self.assertEqual((await browser.get("/styleguide")).status_code, 404)

    async def test_shows_every_component_of_the_style_sheet(self) -> None:
        app = self.start_app(usual_settings())
        app.include_router(styleguide.router)
        with self.counted_statements() as statements:
            page = await (await self.client(app)).get("/styleguide")
        self.assertEqual((page.status_code, statements), (200, []))
        shown = {
            name for names in re.findall(r'class="([^"]*)"', page.text) for name in names.split()
        }
        sections = dict(
            re.findall(
                r"^/\* ([\w ,]+\w).*?\*/\n(.*?)(?=^/\*|\Z)",
                styleguide.STYLES,
                re.MULTILINE | re.DOTALL,
            )
        )
        names = list(sections)
        for name in names[names.index(FIRST) : names.index(LAST) + 1]:
            with self.subTest(section=name):
                self.assertIn(f"<h2>{name}</h2>", page.text)
                selectors = re.sub(r"{[^{}]*}", "", sections[name])
                classes = set(re.findall(r"\.([a-z][\w-]*)", selectors))
                self.assertEqual(classes - shown - LAYOUT, set())
        for name in styleguide.icons():
            self.assertIn(f"</svg> {name}</li>", page.text)
