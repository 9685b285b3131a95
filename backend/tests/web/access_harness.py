"""Everybody asks for everything: who they are, what they send, and what has to hold then."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB

from expenses.database.tables import Base
from expenses.payments.payout import PayoutDetails, set_payout
from expenses.tickets.saved_filters import save_filter
from expenses.users import employers
from expenses.users.models import Scope
from expenses.users.queries import UserView
from expenses.users.registration import begin_registration
from expenses.users.schemas import NewToken
from expenses.users.second_factor.passkeys import add_passkey
from expenses.users.second_factor.pending import begin_second_step
from expenses.users.second_factor.queries import list_passkeys
from expenses.users.second_factor.relying_party import NewCredential
from expenses.users.tokens import create_token
from expenses.web.security.cookies import SESSION
from expenses.web.security.headers import ALWAYS
from tests.harness import PASSWORD, AppTestCase, RolledBackDatabase, cookie, password_hash
from tests.web.access_matrix import BODIES, ROWS, Person, Route, World
from tests.web.slow_clients import Watched

SAFE = [route for route in ROWS if route[0] == "GET"]
UNSAFE = [route for route in ROWS if route[0] != "GET"]
ABOUT_A_TICKET = [
    (method, path)
    for method, path in ROWS
    if "{ticket_id" in path or path.startswith("/admin/ticket/details")
]
# What stands in the descriptions of somebody's tickets, and so in every answer that shows one.
MARKS = {Person.OWNER: "quokka", Person.COLLEAGUE: "numbat", Person.SUSPENDED: "dugong"}
REFUSALS = {
    "LOGIN": (401, {"not-logged-in"}),
    "FORBIDDEN": (403, {"forbidden", "suspended", "second-factor-required"}),
    "NOT_FOUND": (404, {"not-found", "not-registered"}),
}
# Of the tables' columns; everything else is compared. When somebody was last seen is noted by
# reading, too, and moves the end of their session.
NOT_COMPARED = {"sessions": "{last_seen_at,expires_at}", "tokens": "{last_used_at}"}

# Attempts count whatever comes of them.
UNCOUNTED = {"attempts"}

Contents = dict[str, list[dict[str, Any]]]


class AccessTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.world = await self._new_world()
        self.before = await self.contents()
        self.watched = Watched(self.app, self.database)
        self.http = await self.client(self.watched)

    async def _new_world(self) -> World:
        owner, colleague, suspended = [await self.new_employee() for _ in range(3)]
        employer, other, left = [await self.new_employer() for _ in range(3)]
        people = {
            Person.OWNER: owner,
            Person.COLLEAGUE: colleague,
            Person.EMPLOYER: employer,
            Person.SUSPENDED: suspended,
        }
        tickets = {
            person: [
                await self.new_ticket(people[person], description=f"Lunch with a {mark}")
                for _ in ("pending", "decided")
            ]
            for person, mark in MARKS.items()
        }
        receipts = {
            person: await self.new_receipt(people[person], pending, called=MARKS[person])
            for person, (pending, _) in tickets.items()
        }
        draft = await self.new_receipt(owner)
        for _, decided in tickets.values():
            await self.approve(decided, by=employer)
        runs, drafted = await self._new_runs(owner, employer)
        # Everybody is logged in in two places.
        tokens = {person: await self.token_of(user) for person, user in people.items()}
        for user in people.values():
            await self.token_of(user)
        registration = await self._begin_registration()
        async with self.database.transaction() as connection:
            await save_filter(connection, "Lunches", "q=lunch", actor=employer)
            card = PayoutDetails("Ada", None, None, "6222021234567890123", "A bank")
            for user in (owner, colleague):
                await set_payout(connection, card, actor=user, settings=self.settings)
            await employers.deactivate(connection, left.id, actor=employer)
            new = NewToken(name="Paper", scopes=[Scope.READ], password=PASSWORD)
            token, _ = await create_token(connection, new, actor=owner)
        await self.suspend(suspended, by=employer)
        invitation = await self.invite("invited@contoso.example", by=employer)
        sessions = (await self.contents())["sessions"]
        return World(
            people=people,
            tokens=tokens,
            tickets=tickets,
            receipts=receipts,
            draft=draft,
            runs=runs,
            drafted_ticket=drafted,
            token=token.id,
            connection=max(row["id"] for row in sessions if row["user_id"] == owner.id),
            registration=registration,
            reset=await self.reset_token(owner),
            new_email=await self.email_token(owner, "other@contoso.example"),
            invitation=invitation.id,
            invited=invitation.secret,
            other_employer=other.id,
            left_employer=left.id,
            **await self._new_passkey(owner),
            confirmation=await self.confirmation_of("confirmed@contoso.example"),
        )

    async def _new_runs(self, owner: UserView, employer: UserView) -> tuple[dict[str, int], int]:
        """Of one ticket each, in currencies of their own."""
        runs, ticket = {}, 0
        for name, currency in (("paid", "GBP"), ("confirmed", "EUR"), ("draft", "CHF")):
            ticket = await self.new_due_ticket(owner, by=employer, currency=currency)
            runs[name] = await self.new_run(by=employer, currency=currency)
            if name != "draft":
                await self.confirm(runs[name], by=employer)
        await self.pay(runs["paid"], by=employer)
        return runs, ticket

    async def _new_passkey(self, user: UserView) -> dict[str, Any]:
        async with self.database.transaction() as connection:
            new = NewCredential(b"credential", b"key", 0)
            codes = await add_passkey(connection, new, "Windows", user_id=user.id)
            [passkey] = await list_passkeys(connection, actor=user)
            second_step = await begin_second_step(connection, user.id)
        return {"passkey": passkey.id, "recovery_code": codes[0], "second_step": second_step}

    async def _begin_registration(self) -> str:
        async with self.database.transaction() as connection:
            return await begin_registration(
                connection, email="begun@contoso.example", password_hash=await password_hash()
            )

    # What is asked

    async def ask(
        self,
        route: Route,
        person: Person,
        *,
        hidden: bool = False,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """With `hidden`, where a ticket is asked for, for the suspended employee's."""
        method, path = route
        body = BODIES[route](self.world, person) if route in BODIES else {}
        answer = await self.http.request(
            method,
            self.world.fill_in(path, path, hidden=hidden),
            headers=self.shown_by(person, path) | (headers or {}),
            **body,
        )
        # Whose request it is has to be said by each one.
        self.http.cookies.clear()
        self.assertEqual(self.watched.held(), [], "A slow client keeps a connection from others.")
        return answer

    def shown_by(self, person: Person, path: str) -> dict[str, str]:
        """What tells who it is: programs show a token, browsers a cookie."""
        token = self.world.tokens.get(person)
        if path.startswith("/api/"):
            return {"Authorization": f"Bearer {token}"} if token else {}
        begun = {"registration": self.world.registration} if path == "/register" else {}
        if path.startswith("/login/"):
            begun = {"second_step": self.world.second_step}
        return {"Cookie": f"{SESSION}={cookie(token, **begun)}"} if token or begun else {}

    async def contents(self) -> Contents:
        """Every row of every table."""
        tables = ", ".join(
            f"'{name}', (SELECT coalesce(jsonb_agg(row ORDER BY row::text), '[]') FROM "
            f"(SELECT to_jsonb({name}) - '{NOT_COMPARED.get(name, '{}')}'::text[] AS row "
            f"FROM {name}) AS _)"
            for name in Base.metadata.tables.keys() - UNCOUNTED
        )
        query = text(f"SELECT jsonb_build_object({tables}) AS contents").columns(contents=JSONB)
        async with self.database.reading() as connection:
            contents: Contents = (await connection.execute(query)).scalar_one()
        return contents

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        assert isinstance(self.database, RolledBackDatabase)
        async with self.database.undone():
            yield

    # What has to hold

    def assert_answer(
        self,
        route: Route,
        person: Person,
        word: str,
        answer: httpx.Response,
        *,
        hidden: bool = False,
    ) -> None:
        kind, _, place = word.partition(":")
        if kind in REFUSALS:
            self.assert_refused(route, kind, answer)
        elif place:
            place = self.world.fill_in(place, route[1], hidden=hidden)
            location = answer.headers.get("location", "")
            # What follows the path, the page's own tests look at.
            leads_to = location if "?" in place else location.partition("?")[0]
            if place.endswith("/*"):
                leads_to = re.sub(r"/\d+$", "/*", leads_to)
            self.assertEqual((answer.status_code, leads_to), (303, place))
        else:
            statuses = {200} if kind == "SEEN" else {200, 201, 204}
            self.assertIn(answer.status_code, statuses, answer.text)
        self.assert_headers(answer)
        for owner, mark in MARKS.items():
            if person not in {owner, Person.EMPLOYER} or owner is Person.SUSPENDED:
                self.assertNotIn(mark, answer.text)
                # A page that is refused leads back to where one was.
                if kind not in REFUSALS:
                    numbers = "|".join(map(str, self.world.tickets[owner]))
                    self.assertNotRegex(answer.text, rf"tickets?/(details/)?({numbers})\b")

    def assert_refused(self, route: Route, kind: str, answer: httpx.Response) -> None:
        status, codes = REFUSALS[kind]
        method, path = route
        if path.startswith("/api/"):
            code = answer.json().get("code")
            self.assertIn(code, codes)
            self.assert_problem(answer, status, code)
        elif kind == "LOGIN":
            return_path = answer.url.path if method == "GET" else "/"
            location = answer.headers.get("location")
            self.assertEqual((answer.status_code, location), (303, f"/login?next={return_path}"))
        else:
            self.assertEqual(answer.status_code, status, answer.text)
            self.assertIn("text/html", answer.headers["content-type"])

    def assert_headers(self, answer: httpx.Response) -> None:
        for name, value in ALWAYS.items():
            self.assertTrue(answer.headers.get(name, "").endswith(value), name)
        kept = "no-store"
        if answer.is_success and answer.url.path.startswith("/static/"):
            kept = "public, max-age=31536000, immutable"
        elif answer.headers.get("content-type") == "image/webp":
            kept = "private, no-cache"
        self.assertEqual(answer.headers.get("cache-control"), kept)

    async def assert_unchanged(self) -> None:
        """Since the last time, or since everything was there."""
        before, self.before = self.before, await self.contents()
        self.assertEqual(before, self.before)

    async def assert_changes(self, word: str) -> None:
        """As the word says, and no hidden ticket whatever it says."""
        after = await self.contents()
        if word.startswith(("DONE", "STEP", "KEPT")):
            self.assertNotEqual(self.before, after)
            events = len(after["events"]) - len(self.before["events"])
            if word.startswith("STEP"):
                self.assertGreater(events, 1)
            else:
                self.assertEqual(events, 1 if word.startswith("DONE") else 0)
        else:
            self.assertEqual(self.before, after)
        self.assertEqual(self._hidden_tickets(self.before), self._hidden_tickets(after))

    def _hidden_tickets(self, contents: Contents) -> list[dict[str, Any]]:
        suspended = self.world.people[Person.SUSPENDED]
        return [row for row in contents["tickets"] if row["owner_id"] == suspended.id]
