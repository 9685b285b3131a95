"""Everybody tries the API as its OpenAPI document describes it, and tries more of it."""

from expenses.users.models import Role
from tests.api.test_schema import SchemaTestCase


class EveryPhase(SchemaTestCase):
    phases = "examples,coverage,fuzzing,stateful"
    examples = 10

    def test_as_an_employee(self) -> None:
        self.assert_no_finding(Role.EMPLOYEE, "1")

    def test_as_an_employer(self) -> None:
        self.assert_no_finding(Role.EMPLOYER, "3")


class ManyExamples(SchemaTestCase):
    examples = 50

    def test_as_an_employer(self) -> None:
        self.assert_no_finding(Role.EMPLOYER, "4")
