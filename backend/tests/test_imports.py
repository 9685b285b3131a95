"""Imports only point left; the core knows no web framework."""

import ast
import unittest
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "expenses"

# From the right of the design's line to its left; a module may import its own group and those
# of a higher number.
LAYERS: list[set[str]] = [
    {"__main__", "cli"},
    {"server", "demo", "distribution"},
    {"app"},
    {"api", "portal", "console"},
    {"web"},
    {"tickets"},
    {"users"},
    {"history", "outbox"},
    {"migrations", "backups", "programs", "grants", "doctor"},
    {
        "settings",
        "errors",
        "database",
        "embedded",
        "embedded_launch",
        "money",
        "text",
        "logs",
        "metrics",
        "readers",
        "statements",
        "targets",
        "transactions",
        "VERSION",
    },
]
WEB_FRAMEWORKS = {"fastapi", "starlette", "sqladmin", "jinja2"}
CORE = LAYERS[5] | LAYERS[6] | LAYERS[7] | LAYERS[9]
# Alembic's environment has to see every table.
SEES_EVERYTHING = SOURCE / "migrations" / "env.py"


def layer_of(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "expenses":
            found += [f"expenses.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


class Imports(unittest.TestCase):
    def test_every_module_has_its_layer(self) -> None:
        parts = {part_of(path) for path in SOURCE.rglob("*.py")} - {"__init__"}
        self.assertEqual(parts - {name for layer in LAYERS for name in layer}, set())

    def test_imports_only_point_left(self) -> None:
        for path in SOURCE.rglob("*.py"):
            part = part_of(path)
            if part == "__init__" or path == SEES_EVERYTHING:
                continue
            for name in imports_of(path):
                if not name.startswith("expenses."):
                    continue
                target = name.split(".")[1]
                with self.subTest(module=str(path.relative_to(SOURCE)), imports=name):
                    if target == part:
                        continue
                    self.assertGreaterEqual(layer_of(target), layer_of(part))
                    if layer_of(target) == layer_of(part):
                        self.assertNotIn(part, {"api", "portal", "console"})

    def test_the_core_knows_no_web_framework(self) -> None:
        for path in SOURCE.rglob("*.py"):
            if part_of(path) in CORE:
                with self.subTest(module=str(path.relative_to(SOURCE))):
                    frameworks = {name.split(".")[0] for name in imports_of(path)}
                    self.assertEqual(frameworks & WEB_FRAMEWORKS, set())
