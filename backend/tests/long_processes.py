"""Two server processes on one database: any request may go to any of them."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from tests.command_line import EXECUTABLE, environment, spawned, wait_until_ready
from tests.harness import PASSWORD, TestCase, new_database, ticket_json

_numbers = count(1)


@contextmanager
def two_servers(**settings: str) -> Iterator[tuple[str, str]]:
    """Their addresses."""
    shared = {
        "SECRET_KEY": "the same secret key for both of them",
        "LOGIN_ATTEMPTS": "2",
        "DATABASE_URL": new_database(),
    }
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        variables = environment(Path(folder, "data"), **shared | settings)
        here, there = [
            stack.enter_context(spawned([*EXECUTABLE, "serve"], variables, Path(folder)))
            for _ in range(2)
        ]
        yield wait_until_ready(here).address, wait_until_ready(there).address


class ServersTestCase(TestCase):
    here: str
    there: str

    def setUp(self) -> None:
        super().setUp()
        number = next(_numbers)
        self.email = f"ada{number}@contoso.example"
        self.ada = self.register_as(self.email, f"Ada {number}", "employee")
        self.dana = self.register_as(f"dana{number}@contoso.example", f"Dana {number}", "employer")

    def register_as(self, email: str, username: str, role: str) -> dict[str, str]:
        """The headers that programs of theirs send."""
        account = {"email": email, "password": PASSWORD, "username": username, "role": role}
        answer = httpx.post(f"{self.here}/api/users", json=account)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['token']}"}

    def file(self, address: str, **headers: str) -> httpx.Response:
        return httpx.post(f"{address}/api/tickets", json=ticket_json(), headers=self.ada | headers)

    def at_both(self, *requests: Any) -> list[httpx.Response]:
        with ThreadPoolExecutor(len(requests)) as threads:
            return [sent.result() for sent in [threads.submit(request) for request in requests]]


class TwoProcesses(ServersTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.here, cls.there = cls.enterClassContext(two_servers(**cls.settings()))

    @classmethod
    def settings(cls) -> dict[str, str]:
        return {}

    def test_each_sees_what_the_other_did(self) -> None:
        number = self.file(self.there).json()["id"]
        path = f"/api/tickets/{number}"
        self.assertEqual(httpx.get(self.here + path, headers=self.ada).status_code, 200)
        httpx.post(f"{self.there}{path}/approve", headers=self.dana).raise_for_status()
        ticket = httpx.get(self.here + path, headers=self.ada).json()
        self.assertEqual(ticket["status"], "approved")
        self.assertTrue(ticket["decision"]["by"]["username"].startswith("Dana"))

    def test_a_browser_may_come_to_either(self) -> None:
        with httpx.Client() as browser:
            log_in = {"email": self.email, "password": PASSWORD}
            browser.post(f"{self.here}/login", data=log_in)
            self.assertEqual(browser.get(f"{self.there}/tickets").status_code, 200)
            browser.post(f"{self.there}/logout")
            self.assertEqual(browser.get(f"{self.here}/tickets").status_code, 303)

    def test_a_suspension_holds_at_once_at_both(self) -> None:
        ada = httpx.get(f"{self.here}/api/me", headers=self.ada).json()["id"]
        httpx.post(f"{self.here}/api/employees/{ada}/suspend", headers=self.dana).raise_for_status()
        for address in (self.here, self.there):
            self.assertEqual(httpx.get(f"{address}/api/me", headers=self.ada).status_code, 401)
            self.assertEqual(self.file(address).status_code, 401)

    def test_wrong_passwords_count_together(self) -> None:
        wrong = {"email": self.email, "password": "wrong"}
        statuses = [
            httpx.post(f"{address}/api/session", json=wrong).status_code
            for address in (self.here, self.there, self.here, self.there)
        ]
        self.assertEqual(statuses, [401, 401, 429, 429])

    def test_one_key_makes_one_ticket(self) -> None:
        key = {"Idempotency-Key": "the-same"}
        answers = self.at_both(
            lambda: self.file(self.here, **key), lambda: self.file(self.there, **key)
        )
        self.assertEqual({answer.status_code for answer in answers}, {201})
        self.assertEqual(len({answer.json()["id"] for answer in answers}), 1)
        listed = httpx.get(f"{self.there}/api/tickets", headers=self.ada).json()["items"]
        self.assertEqual(len(listed), 1)

    def test_one_of_two_decides(self) -> None:
        path = f"/api/tickets/{self.file(self.here).json()['id']}"
        answers = self.at_both(
            lambda: httpx.post(f"{self.here}{path}/approve", headers=self.dana),
            lambda: httpx.post(
                f"{self.there}{path}/deny", json={"reason": "No receipt"}, headers=self.dana
            ),
        )
        self.assertEqual(sorted(answer.status_code for answer in answers), [200, 409])
        history = httpx.get(f"{self.there}{path}/history", headers=self.dana).json()["items"]
        self.assertEqual(len(history), 2)
