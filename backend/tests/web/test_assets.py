"""What every page loads."""

import gzip
import unittest
from pathlib import Path

from expenses.web.pages import assets
from tests.harness import AppTestCase

STATIC = Path(assets.__file__).parent / "static"
MAX_SCRIPTS = 40_000
MAX_STYLES = 600


class Weight(unittest.TestCase):
    def test_all_scripts_together_are_small(self) -> None:
        size = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.glob("*.js"))
        self.assertLess(size, MAX_SCRIPTS)

    def test_the_style_sheet_is_short(self) -> None:
        lines = (STATIC / "app.css").read_text(encoding="utf-8").splitlines()
        self.assertLessEqual(len(lines), MAX_STYLES)


class Head(AppTestCase):
    async def test_says_what_the_site_is(self) -> None:
        page = await (await self.client()).get("/login")
        self.assertIn('<meta name="description" content="File a ticket for what you', page.text)
