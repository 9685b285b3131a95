"""What a token may do: what its scopes and its user's role say, at each route of the API."""

import re

import httpx

from expenses.users.models import Scope
from expenses.users.policy import scopes_of
from expenses.users.schemas import NewToken
from expenses.users.tokens import create_token
from tests.harness import PASSWORD
from tests.web.access_harness import AccessTestCase
from tests.web.access_matrix import ROWS, Person, Route

TICKET, RUN = "/api/tickets/{ticket_id:int}", "/api/payment-runs/{run_id:int}"
# Reads take "read". What is neither here nor there is for those who have logged in.
WRITES = {
    Scope.TICKETS_WRITE: [
        ("POST", "/api/tickets"),
        ("PATCH", TICKET),
        ("POST", f"{TICKET}/withdraw"),
        ("POST", f"{TICKET}/receipts"),
        ("DELETE", f"{TICKET}/receipts/{{receipt_id:int}}"),
    ],
    Scope.DECIDE: [("POST", f"{TICKET}/{verb}") for verb in ("approve", "deny", "reopen")],
    Scope.PAYMENTS: [
        ("POST", "/api/payment-runs"),
        ("DELETE", f"{RUN}/tickets/{{ticket_id:int}}"),
        *(("POST", f"{RUN}/{step}") for step in ("confirm", "pay", "cancel", "void", "file")),
    ],
}
SESSION_READS = {("GET", path) for path in ("/api/sessions", "/api/me/tokens", "/api/me/data")}
# Whatever is shown there, nobody looks.
OPEN = {
    ("GET", "/api/openapi.json"),
    ("GET", "/api/docs"),
    ("POST", "/api/users"),
    ("POST", "/api/session"),
}
API = {route for route in ROWS if route[1].startswith("/api/")} - OPEN
SCOPES: dict[Route, Scope] = {
    route: Scope.READ for route in API - SESSION_READS if route[0] == "GET"
} | {route: scope for scope, routes in WRITES.items() for route in routes}


class Tokens(AccessTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.shown = {
            (person, scope): await self._new_token(person, scope)
            for person in (Person.OWNER, Person.EMPLOYER)
            for scope in scopes_of(self.world.people[person])
        }
        self.before = await self.contents()

    async def _new_token(self, person: Person, scope: Scope) -> str:
        new = NewToken(name=f"{scope} alone", scopes=[scope], password=PASSWORD)
        async with self.database.transaction() as connection:
            _, token = await create_token(connection, new, actor=self.world.people[person])
        return token

    async def ask_with(self, token: str, route: Route, person: Person) -> httpx.Response:
        return await self.ask(route, person, headers={"Authorization": f"Bearer {token}"})

    async def test_each_route_takes_the_scope_that_stands_in_the_document(self) -> None:
        named = {
            (method.upper(), path): required["token"]
            for path, methods in self.app.openapi()["paths"].items()
            for method, operation in methods.items()
            for required in operation.get("security", [])
            if "token" in required
        }
        expected = {
            (method, re.sub(r":\w+}", "}", path)): [scope.value]
            for (method, path), scope in SCOPES.items()
        }
        self.assertEqual(named, expected)

    async def test_a_token_does_what_its_scope_says_and_nothing_else(self) -> None:
        for (person, scope), token in self.shown.items():
            for route in sorted(API):
                with self.subTest(person=person.value, scope=scope.value, route=route):
                    async with self.undone():
                        answer = await self.ask_with(token, route, person)
                        needed = SCOPES.get(route)
                        if needed is scope:
                            word = ROWS[route][person]
                            self.assert_answer(route, person, word, answer)
                            await self.assert_changes(word)
                            continue
                        code = "insufficient-scope" if needed else "session-needed"
                        problem = self.assert_problem(answer, 403, code)
                        self.assertIn(needed or "token", problem["detail"])
                        await self.assert_changes("SEEN")

    async def test_no_page_takes_a_token_not_even_beside_a_cookie(self) -> None:
        token = self.shown[Person.EMPLOYER, Scope.READ]
        pages = [
            route
            for route, words in ROWS.items()
            if words[Person.STRANGER] == "LOGIN" and route not in API
        ]
        for route in pages:
            with self.subTest(route=route):
                async with self.undone():
                    answer = await self.ask_with(token, route, Person.EMPLOYER)
                    self.assertEqual(answer.status_code, 303)
                    self.assertTrue(answer.headers["location"].startswith("/login?next="))
                    await self.assert_changes("SEEN")
