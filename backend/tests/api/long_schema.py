"""Everybody tries the API as its OpenAPI document describes it; see `SCHEMA_EXAMPLES`."""

from expenses.users.models import Role
from tests.api import test_schema


class Schema(test_schema.Schema):
    def test_as_an_employee(self) -> None:
        self.assert_no_finding(Role.EMPLOYEE, "1")

    def test_as_another_employee(self) -> None:
        self.assert_no_finding(Role.EMPLOYEE, "2")
