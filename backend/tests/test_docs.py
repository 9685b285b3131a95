"""What the Markdown files point to is there."""

import re
import unittest
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGES = [*TOP.glob("*.md"), *TOP.glob("backend/docs/*.md")]


def anchors_in(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


class Links(unittest.TestCase):
    def test_lead_to_files_and_headings(self) -> None:
        for page in PAGES:
            text = page.read_text(encoding="utf-8")
            for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
                path, _, anchor = link.partition("#")
                target = (page.parent / path) if path else page
                with self.subTest(page=page.name, link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors_in(target))


class Security(unittest.TestCase):
    def test_names_tests_that_exist(self) -> None:
        text = (TOP / "backend" / "docs" / "SECURITY.md").read_text(encoding="utf-8")
        named = re.findall(r"`((?:[a-z_]+/)*(?:[a-z_]+\.py|[a-z_]+/))`", text)
        self.assertGreater(len(named), 50)
        missing = {path for path in named if not (TOP / "backend" / "tests" / path).exists()}
        self.assertEqual(missing, set())
