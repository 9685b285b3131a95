"""Imports only point up in the design's layout; the core knows no web framework."""

import ast
import subprocess
import sys
import unittest
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "expenses"

# From the top of the layout to its bottom: a package imports itself and those above it.
LAYOUT = [
    {"version", "settings", "errors", "i18n"},
    {"files"},
    {"database"},
    {"history"},
    {"users"},
    {"tickets"},
    {"receipts"},
    {"notifications"},
    {"payments"},
    {"observability"},
    {"web"},
    {"api", "portal", "console"},
    {"app"},
    {"demo_payments"},
    {"demo", "styleguide"},
    {"server"},
    {"cli", "__main__"},
]
DOORS = {"api", "portal", "console"}
WEB_FRAMEWORKS = {"fastapi", "starlette", "sqladmin", "jinja2"}
CORE = {name for level in LAYOUT[:10] for name in level}
# A worker process reads what people upload, and starts fast because it imports little.
WORKER = SOURCE / "receipts" / "reading"
DECODERS = {"PIL", "lxml", "pillow_heif", "pypdfium2", "zxingcpp"}
WORKER_IMPORTS = ("expenses.files.worker", "expenses.receipts.reading")
# What few requests need is imported when the first of them comes: 40 MB in each server process.
LATER = {
    *("alembic", "authlib", "charset_normalizer", "cryptography", "disarm"),
    *("httpx2", "lxml", "webauthn", "xlsxwriter", "zxcvbn"),
}
# A decision and the message that tells of it are written in one transaction.
EXCEPTIONS = {
    ("tickets/decision_events.py", "expenses.notifications.outbox"),
    ("users/actions.py", "expenses.notifications.outbox"),
    ("users/confirmations.py", "expenses.notifications.outbox"),
    ("users/invitations.py", "expenses.notifications.outbox"),
    ("users/resets.py", "expenses.notifications.outbox"),
    ("users/email_change.py", "expenses.notifications.outbox"),
    ("users/warnings.py", "expenses.notifications.outbox"),
    # The history of a suspension says what it hid.
    ("users/actions.py", "expenses.tickets.hidden"),
    # What a payment run has is not reopened or hidden without it.
    ("tickets/decisions.py", "expenses.payments.lines"),
    ("users/actions.py", "expenses.payments.lines"),
    ("users/employers.py", "expenses.payments.lines"),
    # What is kept about a person is erased as a whole.
    ("users/erasure.py", "expenses.notifications.outbox"),
    ("users/erasure.py", "expenses.receipts.models"),
    ("users/erasure.py", "expenses.tickets.models"),
}
# Alembic's environment has to see every table.
SEES_EVERYTHING = SOURCE / "database" / "migrations" / "env.py"


def level_of(name: str) -> int:
    return next(number for number, names in enumerate(LAYOUT) if name in names)


def package_of(path: Path) -> str:
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
    def test_every_package_is_in_the_layout(self) -> None:
        packages = {package_of(path) for path in SOURCE.rglob("*.py")} - {"__init__"}
        self.assertEqual(packages - {name for level in LAYOUT for name in level}, set())

    def test_imports_only_point_up(self) -> None:
        for path in SOURCE.rglob("*.py"):
            package = package_of(path)
            if package == "__init__" or path == SEES_EVERYTHING:
                continue
            for name in imports_of(path):
                module = str(path.relative_to(SOURCE))
                if not name.startswith("expenses.") or (module, name) in EXCEPTIONS:
                    continue
                target = name.split(".")[1]
                with self.subTest(module=module, imports=name):
                    self.assertLessEqual(level_of(target), level_of(package))
                    if target != package:
                        self.assertFalse({target, package} <= DOORS)

    def test_what_people_upload_is_decoded_in_the_worker_alone(self) -> None:
        for path in SOURCE.rglob("*.py"):
            names = imports_of(path)
            with self.subTest(module=str(path.relative_to(SOURCE))):
                if path.is_relative_to(WORKER):
                    ours = {name for name in names if name.startswith("expenses.")}
                    self.assertEqual({x for x in ours if not x.startswith(WORKER_IMPORTS)}, set())
                else:
                    self.assertEqual({name.split(".")[0] for name in names} & DECODERS, set())

    def test_a_server_starts_with_what_most_requests_need(self) -> None:
        program = "import sys, expenses.app; print(*sys.modules)"
        names = subprocess.check_output([sys.executable, "-c", program], text=True).split()
        self.assertIn("fastapi", names)
        self.assertEqual(set(names) & LATER, set())

    def test_the_core_knows_no_web_framework(self) -> None:
        for path in SOURCE.rglob("*.py"):
            if package_of(path) in CORE:
                with self.subTest(module=str(path.relative_to(SOURCE))):
                    frameworks = {name.split(".")[0] for name in imports_of(path)}
                    self.assertEqual(frameworks & WEB_FRAMEWORKS, set())
