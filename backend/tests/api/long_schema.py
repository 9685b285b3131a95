"""The API is what its OpenAPI document says: schemathesis reads it, and tries it and more."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import ClassVar

from expenses.users.models import Role
from tests.browser.harness import Server
from tests.harness import make_settings

BACKEND = Path(__file__).parents[2]
PLENTY = 1_000_000


class SchemaTestCase(unittest.TestCase):
    """`phases` is what schemathesis tries, and `examples` how much at each operation."""

    phases: ClassVar[str]
    examples: ClassVar[int]
    server: ClassVar[Server]

    @classmethod
    def setUpClass(cls) -> None:
        settings = make_settings(
            allowed_hosts=["127.0.0.1"],
            login_attempts=PLENTY,
            address_attempts=PLENTY,
            address_registrations=PLENTY,
        )
        cls.server = cls.enterClassContext(Server(settings))

    def assert_no_finding(self, role: Role, seed: str) -> None:
        email = f"person{seed}@contoso.example"
        self.server.register(email, f"Ada {seed}", role)
        with tempfile.TemporaryDirectory() as folder:
            ended = subprocess.run(
                [
                    *(sys.executable, "-m", "schemathesis.cli", "run"),
                    f"{self.server.address}/api/openapi.json",
                    *(
                        "--seed",
                        seed,
                        "--max-examples",
                        str(self.examples),
                        "--continue-on-failure",
                    ),
                    *("--phases", self.phases),
                    # A schema has no word for what is in a file; test_receipts.py tries that.
                    *("--exclude-operation-id", "add_receipt"),
                    *("--generation-database", "none"),
                ],
                cwd=folder,
                env=os.environ
                | {
                    "SCHEMATHESIS_HOOKS": "tests.api.schema_hooks",
                    "SCHEMA_EMAIL": email,
                    "PYTHONPATH": str(BACKEND),
                },
                capture_output=True,
                text=True,
                check=False,
            )
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


class EveryPhase(SchemaTestCase):
    phases = "examples,coverage,fuzzing,stateful"
    examples = 10

    def test_as_an_employee(self) -> None:
        self.assert_no_finding(Role.EMPLOYEE, "1")

    def test_as_an_employer(self) -> None:
        self.assert_no_finding(Role.EMPLOYER, "3")


class ManyExamples(SchemaTestCase):
    phases = "examples,fuzzing"
    examples = 50

    def test_as_an_employer(self) -> None:
        self.assert_no_finding(Role.EMPLOYER, "4")
