"""One's own account through the API: name, password, sessions."""

from typing import Any

import httpx
from sqlalchemy import select

from expenses.users.models import UserSession
from expenses.users.queries import UserView
from tests.harness import PASSWORD, AppTestCase

NEW = "a rarer horse 8"


class AccountTestCase(AppTestCase):
    async def places(self, api: httpx.AsyncClient) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await api.get("/api/sessions")).json()["items"]
        return items

    async def count_sessions(self, user: UserView) -> int:
        async with self.database.reading() as connection:
            found = await connection.scalars(
                select(UserSession).where(UserSession.user_id == user.id)
            )
            return len(found.all())


class Rename(AccountTestCase):
    async def test_a_new_name_is_kept_with_its_event(self) -> None:
        for new_user in (self.new_employee, self.new_employer):
            user = await new_user("Ada")
            api = await self.program_of(user)
            answer = await api.patch("/api/me", json={"username": " Ada Lovelace "})
            self.assertEqual((answer.status_code, answer.json()["username"]), (200, "Ada Lovelace"))
            self.assertEqual((await api.get("/api/me")).json(), answer.json())
            event = await self.last_event()
            self.assertEqual(
                (event.action, event.actor_id, event.user_id, event.details),
                (
                    "user.renamed",
                    user.id,
                    user.id,
                    {"before": {"username": "Ada"}, "after": {"username": "Ada Lovelace"}},
                ),
            )
            await self.call_alike(user, "Ada Lovelace")

    async def test_the_same_name_again_is_no_event(self) -> None:
        api = await self.program_of(await self.new_employee("Ada"))
        async with self.nothing_changes():
            answer = await api.patch("/api/me", json={"username": "Ada"})
        self.assertEqual(answer.status_code, 200)

    async def test_refusals_name_the_field(self) -> None:
        api = await self.program_of(await self.new_employee())
        for body, field in (
            ({}, "username"),
            ({"username": " "}, "username"),
            ({"username": "a\nb"}, "username"),
            ({"username": "x" * 81}, "username"),
            ({"username": "Ada", "email": "other@contoso.example"}, "email"),
            ({"username": "Ada", "role": "employer"}, "role"),
        ):
            with self.subTest(body=body):
                async with self.nothing_changes():
                    answer = await api.patch("/api/me", json=body)
                problem = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in problem["errors"]], [field])


class ChangePassword(AccountTestCase):
    async def test_the_new_one_opens_and_all_other_sessions_end(self) -> None:
        user, other = await self.new_employee(), await self.new_employee()
        here, there, theirs = [await self.program_of(person) for person in (user, user, other)]
        answer = await here.post("/api/me/password", json={"old": PASSWORD, "new": NEW})
        self.assertEqual((answer.status_code, answer.json()), (200, {"sessions_ended": 1}))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            ("user.password_changed", user.id, user.id, {"sessions_ended": 1}),
        )
        self.assertNotIn(NEW, str(event.details))
        self.assert_problem(await there.get("/api/me"), 401, "not-logged-in")
        for api in (here, theirs):
            self.assertEqual((await api.get("/api/me")).status_code, 200)
        stranger = await self.client()
        wrong = await stranger.post(
            "/api/session", json={"email": user.email, "password": PASSWORD}
        )
        self.assert_problem(wrong, 401, "wrong-password")
        right = await stranger.post("/api/session", json={"email": user.email, "password": NEW})
        self.assertEqual(right.status_code, 200)

    async def test_refusals_name_the_field_and_end_no_session(self) -> None:
        user = await self.new_employee()
        api = await self.program_of(user)
        await self.token_of(user)
        for old, new, field in (
            ("wrong wrong", NEW, "old"),
            ("", NEW, "old"),
            (PASSWORD, "short", "new"),
            (PASSWORD, "password1", "new"),
            (PASSWORD, user.email, "new"),
            (PASSWORD, "nul\0nul\0nul", "new"),
        ):
            with self.subTest(old=old, new=new):
                async with self.nothing_changes():
                    answer = await api.post("/api/me/password", json={"old": old, "new": new})
                problem = self.assert_problem(answer, 422, "invalid-input")
                self.assertEqual([error["field"] for error in problem["errors"]], [field])
        self.assertEqual(await self.count_sessions(user), 2)

    async def test_nobody_changes_it_from_a_session_that_has_ended(self) -> None:
        user, boss = await self.new_employee(), await self.new_employer()
        api = await self.program_of(user)
        await self.suspend(user, by=boss)
        async with self.nothing_changes():
            answer = await api.post("/api/me/password", json={"old": PASSWORD, "new": NEW})
        self.assert_problem(answer, 401, "not-logged-in")


class Sessions(AccountTestCase):
    async def test_this_one_comes_first_and_each_says_what_it_is(self) -> None:
        user = await self.new_employee()
        await (await self.client()).post(
            "/login",
            data={"email": user.email, "password": PASSWORD},
            headers={b"User-Agent": b"Mozilla/5.0 \x85" + b"x" * 300},
        )
        here = await self.program_of(user)
        await self.token_of(await self.new_employee())
        places = await self.places(here)
        self.assertEqual([place["is_this"] for place in places], [True, False])
        self.assertEqual([place["address"] for place in places], ["127.0.0.1"] * 2)
        self.assertEqual([place["client"] for place in places], [None, f"Mozilla/5.0 {'x' * 188}"])
        self.assertEqual(
            set(places[0]),
            {"id", "client", "address", "created_at", "last_seen_at", "expires_at", "is_this"},
        )

    async def test_any_of_them_can_be_ended_this_one_too(self) -> None:
        user = await self.new_employee()
        here, there = await self.program_of(user), await self.program_of(user)
        for api, number in ((there, (await self.places(here))[1]["id"]), (here, None)):
            number = number or (await self.places(here))[0]["id"]
            answer = await here.delete(f"/api/sessions/{number}")
            self.assertEqual(answer.status_code, 204)
            self.assert_problem(await api.get("/api/me"), 401, "not-logged-in")
            event = await self.last_event()
            self.assertEqual(
                (event.action, event.actor_id, event.user_id, event.details),
                ("user.session_ended", user.id, user.id, {"sessions_ended": 1}),
            )

    async def test_only_own_ones(self) -> None:
        ada, boss = await self.new_employee(), await self.new_employer()
        hers, mine = await self.program_of(ada), await self.program_of(boss)
        theirs = (await self.places(hers))[0]["id"]
        for number in (theirs, 0, -1, 2**63, 2**63 - 1):
            async with self.nothing_changes():
                answer = await mine.delete(f"/api/sessions/{number}")
            self.assert_problem(answer, 404, "not-found")
        async with self.nothing_changes():
            self.assert_problem(await mine.delete("/api/sessions/x"), 422, "invalid-input")
        self.assertEqual((await hers.get("/api/me")).status_code, 200)

    async def test_strangers_are_asked_to_log_in(self) -> None:
        api = await self.client()
        for answer in (
            await api.patch("/api/me", json={"username": "Ada"}),
            await api.post("/api/me/password", json={"old": PASSWORD, "new": NEW}),
            await api.get("/api/sessions"),
            await api.delete("/api/sessions/1"),
        ):
            self.assert_problem(answer, 401, "not-logged-in")
