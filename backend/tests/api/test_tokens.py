"""Tokens for programs: made with the password, shown once, and dead when they should be."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import insert, select, update

from expenses.users.models import token_table
from expenses.users.queries import UserView
from expenses.users.random_tokens import hash_token
from expenses.users.tokens import MOST_TOKENS, SHOWN_AFTER_EXPIRY, is_token
from expenses.web.housekeeping import tidy
from tests.harness import PASSWORD, AppTestCase, shared_storage, ticket_json

TOKENS = "/api/me/tokens"
NEW = {"name": "Import", "scopes": ["read", "tickets:write"], "password": PASSWORD}
NEW_PASSWORD = "another horse 10"


class TokenTestCase(AppTestCase):
    ada: UserView

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada = await self.new_employee("Ada")
        self.api = await self.program_of(self.ada)

    async def make(self, **fields: Any) -> dict[str, Any]:
        answer = await self.api.post(TOKENS, json=NEW | fields)
        self.assertEqual(answer.status_code, 201, answer.text)
        made: dict[str, Any] = answer.json()
        return made

    async def program(self, token: str) -> httpx.AsyncClient:
        return await self.client(Authorization=f"Bearer {token}")

    async def tokens(self) -> list[Any]:
        async with self.database.reading() as connection:
            return list((await connection.execute(select(token_table))).all())

    async def age(self, **times: timedelta) -> None:
        async with self.database.transaction() as connection:
            values = {name: token_table.c[name] - time for name, time in times.items()}
            await connection.execute(update(token_table).values(values))

    async def assert_alive(self, token: str) -> None:
        answer = await (await self.program(token)).get("/api/me")
        self.assertEqual(answer.status_code, 200)

    async def assert_dead(self, token: str) -> None:
        program = await self.program(token)
        async with self.nothing_changes():
            self.assert_problem(await program.get("/api/me"), 401, "not-logged-in")
            answer = await program.post("/api/tickets", json=ticket_json())
            self.assert_problem(answer, 401, "not-logged-in")


class Make(TokenTestCase):
    async def test_it_is_shown_once_and_acts_for_its_user(self) -> None:
        made = await self.make()
        event = await self.last_event()
        token = made.pop("token")
        self.assertRegex(token, r"^exp_[0-9a-f]{72}$")
        self.assertTrue(is_token(token))
        self.assertEqual((await self.api.get(TOKENS)).json(), {"items": [made]})
        self.assertEqual(
            (event.action, event.actor_id, event.user_id),
            ("token.created", self.ada.id, self.ada.id),
        )
        self.assertEqual(event.details["token_id"], made["id"])
        self.assertEqual(event.details["scopes"], NEW["scopes"])
        [row] = await self.tokens()
        self.assertEqual(row.token_hash, hash_token(token))
        self.assertNotIn(token, f"{event} {row}")
        program = await self.program(token)
        self.assertEqual((await program.get("/api/me")).json()["id"], self.ada.id)
        filed = await program.post("/api/tickets", json=ticket_json())
        self.assertEqual(filed.json()["owner"]["id"], self.ada.id)
        event = await self.last_event()
        self.assertEqual((event.action, event.actor_id), ("ticket.created", self.ada.id))

    async def test_it_lasts_90_days_or_as_long_as_is_said(self) -> None:
        for fields, days in (({}, 90), ({"days": 1}, 1), ({"days": 365}, 365)):
            made = await self.make(**fields)
            lasts = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
            self.assertAlmostEqual(lasts / timedelta(days=1), days, delta=0.01)

    async def test_what_is_wrong_is_named_and_nothing_is_made(self) -> None:
        for change, field in (
            ({"name": " "}, "name"),
            ({"name": "x" * 81}, "name"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["everything"]}, "scopes.0"),
            ({"scopes": ["read", "decide"]}, "scopes"),
            ({"scopes": ["payments"]}, "scopes"),
            ({"days": 0}, "days"),
            ({"days": 366}, "days"),
            ({"password": "wrong wrong"}, "password"),
            ({"owner": 1}, "owner"),
        ):
            with self.subTest(change=change):
                async with self.nothing_changes():
                    answer = await self.api.post(TOKENS, json=NEW | change)
                [error] = self.assert_problem(answer, 422, "invalid-input")["errors"]
                self.assertEqual(error["field"], field)
        self.assertEqual(await self.tokens(), [])

    async def test_an_employer_may_not_file_by_a_token_either(self) -> None:
        employer = await self.program_of(await self.new_employer())
        answer = await employer.post(TOKENS, json=NEW)
        self.assert_problem(answer, 422, "invalid-input")
        answer = await employer.post(TOKENS, json=NEW | {"scopes": ["payments", "decide"]})
        self.assertEqual(answer.json()["scopes"], ["decide", "payments"])

    async def test_nobody_has_any_number_of_them(self) -> None:
        async with self.database.transaction() as connection:
            one = {
                "user_id": self.ada.id,
                "name": "x",
                "scopes": ["read"],
                "expires_at": datetime.now(UTC),
            }
            rows = [one | {"token_hash": bytes([number])} for number in range(MOST_TOKENS)]
            await connection.execute(insert(token_table), rows)
        async with self.nothing_changes():
            answer = await self.api.post(TOKENS, json=NEW)
        self.assert_problem(answer, 409, "too-many-tokens")
        self.assertEqual(len(await self.tokens()), MOST_TOKENS)


class Use(TokenTestCase):
    async def test_its_last_use_is_noted_once_a_minute(self) -> None:
        program = await self.program((await self.make())["token"])
        for statements in (2, 1):
            with self.counted_statements() as sent:
                await program.get("/api/me")
            self.assertEqual(len(sent), statements)
        [item] = (await self.api.get(TOKENS)).json()["items"]
        used = datetime.now(UTC) - datetime.fromisoformat(item["last_used_at"])
        self.assertLess(used, timedelta(minutes=1))
        await self.age(last_used_at=timedelta(minutes=2))
        with self.counted_statements() as sent:
            await program.get("/api/me")
        self.assertEqual(len(sent), 2)

    async def test_what_is_no_token_is_refused(self) -> None:
        token = (await self.make())["token"]
        for wrong in (token[:-1], f"{token[:-1]}{'0' if token[-1] != '0' else '1'}", token.upper()):
            self.assertFalse(is_token(wrong))
            await self.assert_dead(wrong)
        await self.assert_dead(token.replace(token[4:-8], "0" * 64))

    async def test_a_missing_scope_is_named(self) -> None:
        program = await self.program((await self.make(scopes=["read"]))["token"])
        async with self.nothing_changes():
            answer = await program.post("/api/tickets", json=ticket_json())
        problem = self.assert_problem(answer, 403, "insufficient-scope")
        self.assertEqual(problem["detail"], "This token lacks the scope tickets:write.")
        self.assertEqual(
            answer.headers["www-authenticate"],
            'Bearer error="insufficient_scope", scope="tickets:write"',
        )


class End(TokenTestCase):
    async def test_revoked(self) -> None:
        made, other = await self.make(), await self.make(name="Export")
        answer = await self.api.delete(f"{TOKENS}/{made['id']}")
        self.assertEqual(answer.status_code, 204)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "token.revoked",
                self.ada.id,
                self.ada.id,
                {"token_id": made["id"], "scopes": NEW["scopes"]},
            ),
        )
        await self.assert_dead(made["token"])
        await self.assert_alive(other["token"])
        async with self.nothing_changes():
            answer = await self.api.delete(f"{TOKENS}/{made['id']}")
        self.assert_problem(answer, 404, "not-found")

    async def test_expired_and_forgotten_a_month_later(self) -> None:
        made = await self.make()
        await self.age(expires_at=timedelta(days=91))
        await self.assert_dead(made["token"])
        [item] = (await self.api.get(TOKENS)).json()["items"]
        self.assertEqual(item["id"], made["id"])
        await tidy(self.database, shared_storage())
        self.assertEqual(len(await self.tokens()), 1)
        await self.age(expires_at=SHOWN_AFTER_EXPIRY)
        await tidy(self.database, shared_storage())
        self.assertEqual(await self.tokens(), [])

    async def test_suspended_and_not_alive_again_afterwards(self) -> None:
        token = (await self.make())["token"]
        employer = await self.program_of(await self.new_employer())
        await employer.post(f"/api/employees/{self.ada.id}/suspend")
        event = await self.last_event()
        self.assertEqual((event.action, event.details["tokens_revoked"]), ("user.suspended", 1))
        await self.assert_dead(token)
        await employer.post(f"/api/employees/{self.ada.id}/reactivate")
        await self.assert_dead(token)

    async def test_a_new_role_ends_them_since_they_would_open_more(self) -> None:
        token = (await self.make())["token"]
        employer = await self.program_of(await self.new_employer())
        await employer.put(f"/api/users/{self.ada.id}/role", json={"role": "employer"})
        event = await self.last_event()
        self.assertEqual((event.action, event.details["tokens_revoked"]), ("user.role_changed", 1))
        await self.assert_dead(token)
        new = {"name": "Export", "scopes": ["payments"], "password": PASSWORD}
        token = (await self.make(**new))["token"]
        await employer.post(f"/api/employers/{self.ada.id}/deactivate")
        event = await self.last_event()
        self.assertEqual((event.action, event.details["tokens_revoked"]), ("user.deactivated", 1))
        await self.assert_dead(token)

    async def test_one_that_a_suspension_left_behind_opens_nothing(self) -> None:
        token = (await self.make())["token"]
        [row] = await self.tokens()
        await self.suspend(self.ada, by=await self.new_employer())
        async with self.database.transaction() as connection:
            await connection.execute(insert(token_table).values(row._asdict()))
        await self.assert_dead(token)

    async def test_a_new_password_ends_them_where_one_asks_for_it(self) -> None:
        token = (await self.make())["token"]
        change: dict[str, Any] = {"old": PASSWORD, "new": NEW_PASSWORD}
        await self.api.post("/api/me/password", json=change)
        self.assertNotIn("tokens_revoked", (await self.last_event()).details)
        await self.assert_alive(token)
        change = {"old": NEW_PASSWORD, "new": PASSWORD, "revoke_tokens": True}
        await self.api.post("/api/me/password", json=change)
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.details["tokens_revoked"]), ("user.password_changed", 1)
        )
        await self.assert_dead(token)
