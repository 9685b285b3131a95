"""What containers are built and started from says the same as the code."""

import re
import unittest
from pathlib import Path

from expenses.settings import Settings

TOP = Path(__file__).parents[2]
SETTINGS = {name.upper() for name in Settings.model_fields}


def read(*parts: str) -> str:
    return TOP.joinpath(*parts).read_text(encoding="utf-8")


class EverySetting(unittest.TestCase):
    def test_has_a_row_in_the_table_of_settings(self) -> None:
        table = read("backend", "docs", "settings.md")
        rows = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
        self.assertEqual(rows, SETTINGS)

    def test_is_handed_to_the_containers(self) -> None:
        handed = set(re.findall(r"^    ([A-Z_]+): ", read("docker-compose.yml"), re.MULTILINE))
        others = {name for name in handed if name.startswith("OTEL_")} | {"PGPASSWORD"}
        self.assertEqual(handed - others, SETTINGS)

    def test_is_named_in_the_example_of_the_environment(self) -> None:
        named = set(
            re.findall(r"\b[A-Z]+_[A-Z_]+\b|\bCURRENCY\b|\bTIMEZONE\b", read(".env.example"))
        )
        self.assertEqual(SETTINGS - named, set())

    def test_has_the_same_default_everywhere(self) -> None:
        compose = read("docker-compose.yml")
        for name, field in Settings.model_fields.items():
            written = re.search(rf"{name.upper()}: \$\{{{name.upper()}:-([^}}]*)\}}", compose)
            # Behind the proxy of that file, and for whoever collects logs, two differ.
            if written and name not in {"trusted_proxies", "log_format"}:
                with self.subTest(setting=name):
                    given = Settings.model_validate({name: written[1] or None})
                    self.assertEqual(getattr(given, name), field.get_default())


class Secrets(unittest.TestCase):
    def test_none_is_written_down(self) -> None:
        for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
            self.assertIn(f"\n{name}=\n", read(".env.example"))
            self.assertIn(f"${{{name}:?", read("docker-compose.yml"))
