"""Two server processes on one database: any request may go to any of them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.command_line import CommandLineTestCase
from tests.harness import PASSWORD, new_database, ticket_json

PEOPLE = {"ada": "employee", "dana": "employer"}


class ServersTestCase(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        settings = self.settings()
        started = [self.spawn("serve", **settings) for _ in range(2)]
        self.here, self.there = (self.wait_until_ready(server).address for server in started)
        tokens = [self.register_as(name, role) for name, role in PEOPLE.items()]
        self.ada, self.dana = ({"Authorization": f"Bearer {token}"} for token in tokens)

    def settings(self) -> dict[str, str]:
        return {
            "SECRET_KEY": "the same secret key for both of them",
            "LOGIN_ATTEMPTS": "2",
            "DATABASE_URL": new_database(),
        }

    def register_as(self, name: str, role: str) -> str:
        account = {"email": f"{name}@contoso.example", "password": PASSWORD}
        answer = httpx.post(
            f"{self.here}/api/users", json=account | {"username": name.title(), "role": role}
        )
        token: str = answer.raise_for_status().json()["token"]
        return token

    def file(self, address: str, **headers: str) -> httpx.Response:
        return httpx.post(f"{address}/api/tickets", json=ticket_json(), headers=self.ada | headers)

    def at_both(self, *requests: Any) -> list[httpx.Response]:
        with ThreadPoolExecutor(len(requests)) as threads:
            return [sent.result() for sent in [threads.submit(request) for request in requests]]


class TwoProcesses(ServersTestCase):
    def test_each_sees_what_the_other_did(self) -> None:
        number = self.file(self.there).json()["id"]
        path = f"/api/tickets/{number}"
        self.assertEqual(httpx.get(self.here + path, headers=self.ada).status_code, 200)
        httpx.post(f"{self.there}{path}/approve", headers=self.dana).raise_for_status()
        ticket = httpx.get(self.here + path, headers=self.ada).json()
        self.assertEqual(
            (ticket["status"], ticket["decision"]["by"]["username"]), ("approved", "Dana")
        )

    def test_a_browser_may_come_to_either(self) -> None:
        with httpx.Client() as browser:
            log_in = {"email": "ada@contoso.example", "password": PASSWORD}
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
        wrong = {"email": "ada@contoso.example", "password": "wrong"}
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
