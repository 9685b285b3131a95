"""Every route of every door, asked by everybody: who gets what, and what changes by it."""

import re
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, FastAPI
from sqlalchemy import insert, select, update
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from expenses.users.models import UserSession
from expenses.users.random_tokens import hash_token
from tests.harness import (
    AppTestCase,
    CommittingTestCase,
    ticket_json,
    usual_settings,
)
from tests.web.access_harness import ABOUT_A_TICKET, MARKS, SAFE, UNSAFE, AccessTestCase
from tests.web.access_matrix import ROWS, Person
from tests.web.routes import routes_of

ACTIVE = (Person.OWNER, Person.COLLEAGUE, Person.EMPLOYER)
ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
)


class Rows(AppTestCase):
    async def test_every_route_has_a_row_and_every_row_a_route(self) -> None:
        self.assert_complete(self.app)

    async def test_no_route_is_overlooked_that_the_document_of_the_api_names(self) -> None:
        described = {
            (method.upper(), path)
            for path, methods in self.app.openapi()["paths"].items()
            for method in methods
        }
        rows = {(method, re.sub(r":\w+}", "}", path)) for method, path in ROWS}
        self.assertEqual(described - rows, set())

    async def test_a_new_route_is_noticed_wherever_it_is_added(self) -> None:
        app = self.start_app(usual_settings())
        inner, outer, other = APIRouter(), APIRouter(prefix="/outer"), FastAPI(openapi_url=None)
        inner.add_api_route("/new", ticket_json, methods=["PUT"])
        outer.include_router(inner)
        other.include_router(outer)
        [console] = [mount for mount in app.routes if getattr(mount, "name", "") == "admin"]
        assert isinstance(console, Mount)
        console.routes.append(Route("/{identity}/new", lambda _: Response()))
        app.include_router(inner)
        app.include_router(outer, prefix="/more")
        app.mount("/other", other)
        app.mount("/files", StaticFiles(packages=["sqladmin"]))
        self.assertEqual(
            routes_of(app) - ROWS.keys(),
            {
                ("PUT", "/new"),
                ("PUT", "/more/outer/new"),
                ("PUT", "/other/outer/new"),
                ("GET", "/files/{path:path}"),
                ("GET", "/admin/{identity}/new"),
            },
        )
        with self.assertRaisesRegex(AssertionError, "has no row"):
            self.assert_complete(app)

    def assert_complete(self, app: FastAPI) -> None:
        routes = routes_of(app)
        for method, path in sorted(routes - ROWS.keys()):
            self.fail(
                f"{method} {path} has no row. Say in tests/web/access_matrix.py who gets what "
                "there and, unless it is a GET, what a valid request sends."
            )
        for method, path in sorted(ROWS.keys() - routes):
            self.fail(f"{method} {path} has a row in tests/web/access_matrix.py and is not there.")


class Reading(AccessTestCase, CommittingTestCase):
    """With real commits: what a reading request writes would stay."""

    async def test_everybody_sees_what_is_theirs_and_nothing_changes(self) -> None:
        await self._be_seen_long_ago()
        for route in SAFE:
            for person, word in ROWS[route].items():
                with self.subTest(route=route, person=person.value):
                    answer = await self.ask(route, person)
                    self.assert_answer(route, person, word, answer)
                    if word == "SEEN" and route in ABOUT_A_TICKET:
                        self.assertIn(MARKS[Person.OWNER], answer.text)
            with self.subTest(route=route):
                await self.assert_unchanged()
        # The one thing that reading does write, and that is not compared.
        seen = {self.world.people[person].id for person in ACTIVE}
        self.assertEqual(await self._seen_of_late(), seen)

    async def test_other_safe_methods_change_nothing(self) -> None:
        for path in {path: None for _, path in ROWS}:
            for person in Person:
                for method in ("HEAD", "OPTIONS"):
                    with self.subTest(method=method, path=path, person=person.value):
                        answer = await self.ask((method, path), person)
                        self.assert_headers(answer)
                        if answer.status_code != 405:
                            self.assertEqual(method, "HEAD")
                            same = await self.ask(("GET", path), person)
                            self.assertEqual(answer.status_code, same.status_code)
            with self.subTest(path=path):
                await self.assert_unchanged()

    async def test_nothing_is_done_for_another_site(self) -> None:
        for route in UNSAFE:
            for person in Person:
                for headers in ELSEWHERE:
                    with self.subTest(route=route, person=person.value, headers=headers):
                        answer = await self.ask(route, person, headers=headers)
                        self.assertEqual(answer.status_code, 403)
                        self.assertIn("another site", answer.text)
                        self.assert_headers(answer)
            with self.subTest(route=route):
                await self.assert_unchanged()

    async def _be_seen_long_ago(self) -> None:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        async with self.database.transaction() as connection:
            await connection.execute(update(UserSession).values(last_seen_at=long_ago))

    async def _seen_of_late(self) -> set[int]:
        recently = datetime.now(UTC) - timedelta(minutes=10)
        query = select(UserSession.user_id).where(UserSession.last_seen_at > recently)
        async with self.database.reading() as connection:
            return set(await connection.scalars(query))


class Writing(AccessTestCase):
    """Every request finds everything as it was at first."""

    async def test_everybody_does_what_they_may_and_a_refusal_changes_nothing(self) -> None:
        for route in UNSAFE:
            for person, word in ROWS[route].items():
                with self.subTest(route=route, person=person.value):
                    async with self.undone():
                        answer = await self.ask(route, person)
                        self.assert_answer(route, person, word, answer)
                        await self.assert_changes(word)
        await self.assert_unchanged()

    async def test_a_ticket_of_a_suspended_employee_is_there_for_nobody(self) -> None:
        for route in ABOUT_A_TICKET:
            for person in Person:
                with self.subTest(route=route, person=person.value):
                    async with self.undone():
                        answer = await self.ask(route, person, hidden=True)
                        word = self._word_for_hidden(route, person)
                        self.assert_answer(route, person, word, answer, hidden=True)
                        await self.assert_changes(word)

    def _word_for_hidden(self, route: tuple[str, str], person: Person) -> str:
        """As for any other employee's ticket; employers, who see those, are told the same."""
        word = ROWS[route][Person.COLLEAGUE if person is Person.OWNER else person]
        leads_on = route[0] == "GET" and ":" in word
        return word if person is not Person.EMPLOYER or leads_on else "NOT_FOUND"


class ShowingWhoOneIs(AccessTestCase):
    """A browser has a cookie, a program a token; each door takes both."""

    async def test_a_cookie_works_at_the_api(self) -> None:
        browser = await self.browser_of(self.world.people[Person.OWNER])
        self.assertEqual((await browser.get("/api/me")).status_code, 200)
        answer = await browser.post("/api/tickets", json=ticket_json())
        self.assertEqual(answer.status_code, 201)
        event = await self.last_event()
        self.assertEqual((event.action, event.ticket_id), ("ticket.created", answer.json()["id"]))

    async def test_a_token_works_at_the_pages(self) -> None:
        owner, employer = (self.world.people[who] for who in (Person.OWNER, Person.EMPLOYER))
        program = await self.program_of(owner)
        self.assertEqual((await program.get("/tickets")).status_code, 200)
        pending, _ = self.world.tickets[Person.OWNER]
        answer = await program.post(f"/tickets/{pending}/withdraw")
        self.assertEqual(answer.headers["location"], f"/tickets/{pending}")
        self.assertEqual((await self.last_event()).action, "ticket.withdrawn")
        console = await (await self.program_of(employer)).get("/admin/ticket/list")
        self.assertEqual(console.status_code, 200)

    async def test_a_token_counts_where_there_is_a_cookie_too(self) -> None:
        browser = await self.browser_of(self.world.people[Person.OWNER])
        token = self.world.tokens[Person.COLLEAGUE]
        answer = await browser.get("/api/me", headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(answer.json()["id"], self.world.people[Person.COLLEAGUE].id)
        for token in ("nobody's", self.world.tokens[Person.SUSPENDED]):
            async with self.nothing_changes():
                shown = {"Authorization": f"Bearer {token}"}
                answer = await browser.post("/api/tickets", json=ticket_json(), headers=shown)
                self.assert_problem(answer, 401, "not-logged-in")
                answer = await browser.post("/tickets/draft", headers=shown)
                self.assertEqual(answer.headers["location"], "/login?next=/")

    async def test_a_session_that_a_suspension_left_behind_opens_nothing(self) -> None:
        """Suspending ends them all; should one be missed, it is of no use either."""
        token = self.world.tokens[Person.SUSPENDED]
        async with self.database.transaction() as connection:
            await connection.execute(
                insert(UserSession).values(
                    token_hash=hash_token(token),
                    user_id=self.world.people[Person.SUSPENDED].id,
                    expires_at=datetime.now(UTC) + timedelta(days=1),
                    ends_at=datetime.now(UTC) + timedelta(days=1),
                    idle_for=timedelta(days=1),
                )
            )
        for route in (("GET", "/api/me"), ("GET", "/tickets"), ("GET", "/admin/ticket/list")):
            answer = await self.ask(route, Person.SUSPENDED)
            self.assert_refused(route, "LOGIN", answer)
        async with self.nothing_changes():
            for route in (("POST", "/api/tickets"), ("POST", "/tickets")):
                answer = await self.ask(route, Person.SUSPENDED)
                self.assert_refused(route, "LOGIN", answer)
