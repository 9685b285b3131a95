"""What a user does while their access ends: before it or not at all, and never in each other's way.

One of the two is held open in a transaction of the test; the other comes through the API meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.tickets.actions import create_ticket
from expenses.tickets.decisions import approve_ticket
from expenses.tickets.schemas import TicketFields
from expenses.users import actions, employers, locks, tokens
from expenses.users.models import Actor, Role, Scope
from expenses.users.queries import UserView
from expenses.users.schemas import NewToken
from expenses.users.sessions import CurrentUser, authenticate, end_sessions, start_session
from expenses.users.throttling import Caller, forget_attempts
from tests.harness import PASSWORD, CommittingTestCase, ticket_json

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
NEW_PASSWORD = "battery staple 7"
# Far more than anything takes that does not wait, and less than the database lets it wait.
SOON = 2.0


class LockTestCase(CommittingTestCase):
    @asynccontextmanager
    async def writing(self, token: str) -> AsyncIterator[tuple[AsyncConnection, CurrentUser]]:
        """A write that has begun: the session is known to be open, nothing is committed."""
        async with self.database.transaction() as connection:
            yield connection, await authenticate(connection, token, lock=True)

    async def file(self, connection: AsyncConnection, owner: Actor) -> int:
        fields = TicketFields.model_validate(ticket_json())
        return await create_ticket(connection, fields, actor=owner, settings=self.settings)

    async def log_in(self, user: UserView) -> httpx.Response:
        body = {"email": user.email, "password": PASSWORD}
        return await (await self.client()).post("/api/session", json=body)

    async def started(self, request: Awaitable[httpx.Response]) -> asyncio.Task[httpx.Response]:
        """Send a request that has to wait, and come back once it does."""
        task = asyncio.ensure_future(request)
        async with asyncio.timeout(SOON), self.database.reading() as connection:
            while not await connection.scalar(text(WAITING)):
                self.assertFalse(task.done(), "it did not wait")
                await asyncio.sleep(0.01)
        return task

    async def history(self) -> list[str]:
        return [event.action for event in await self.events() if event.action != "user.registered"]


class SideBySide(LockTestCase):
    async def test_no_write_of_a_user_waits_for_another(self) -> None:
        ada = await self.new_employee()
        token, program = await self.token_of(ada), await self.program_of(ada)
        async with self.writing(token) as (connection, owner):
            first = await self.file(connection, owner)
            async with asyncio.timeout(SOON):
                second = await program.post("/api/tickets", json=ticket_json())
                renamed = await program.patch("/api/me", json={"username": "Ada L."})
                logged_in = await self.log_in(ada)
        self.assertEqual(
            (second.status_code, renamed.status_code, logged_in.status_code), (201, 200, 200)
        )
        tickets = (await program.get("/api/tickets")).json()["items"]
        self.assertEqual({ticket["id"] for ticket in tickets}, {first, second.json()["id"]})

    async def test_nobody_waits_for_the_suspension_of_another(self) -> None:
        ada, ben, boss = (
            await self.new_employee(),
            await self.new_employee(),
            await self.new_employer(),
        )
        program = await self.program_of(ben)
        async with self.database.transaction() as connection:
            await actions.suspend(connection, ada.id, actor=boss)
            async with asyncio.timeout(SOON):
                filed = await program.post("/api/tickets", json=ticket_json())
        self.assertEqual(filed.status_code, 201)

    async def test_employers_who_suspend_each_other_are_refused_at_once(self) -> None:
        ada, boss = await self.new_employer(), await self.new_employer()
        programs = {ada.id: await self.program_of(boss), boss.id: await self.program_of(ada)}
        async with self.nothing_changes(), asyncio.timeout(SOON):
            answers = await asyncio.gather(
                *(
                    program.post(f"/api/employees/{user_id}/suspend")
                    for user_id, program in programs.items()
                    for _ in range(3)
                )
            )
        self.assertEqual({answer.status_code for answer in answers}, {404})


class Suspension(LockTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada, self.boss = await self.new_employee(), await self.new_employer()
        self.employer = await self.program_of(self.boss)

    async def suspended(self) -> asyncio.Task[httpx.Response]:
        return await self.started(self.employer.post(f"/api/employees/{self.ada.id}/suspend"))

    @asynccontextmanager
    async def suspending(self) -> AsyncIterator[None]:
        async with self.database.transaction() as connection:
            await actions.suspend(connection, self.ada.id, actor=self.boss)
            yield

    async def test_a_ticket_being_filed_is_filed_first_and_hidden(self) -> None:
        async with self.writing(await self.token_of(self.ada)) as (connection, owner):
            suspension = await self.suspended()
            await self.file(connection, owner)
        self.assertEqual((await suspension).status_code, 200)
        self.assertEqual((await self.employer.get("/api/tickets")).json()["items"], [])
        self.assertEqual(await self.history(), ["ticket.created", "user.suspended"])

    async def test_what_a_program_files_by_its_token_is_filed_first_and_hidden(self) -> None:
        new = NewToken(name="Import", scopes=[Scope.TICKETS_WRITE], password=PASSWORD)
        async with self.database.transaction() as connection:
            _, token = await tokens.create_token(connection, new, actor=self.ada)
        async with self.database.transaction() as connection:
            owner = await tokens.authenticate(connection, token, lock=True)
            suspension = await self.suspended()
            await self.file(connection, owner)
        self.assertEqual((await suspension).status_code, 200)
        program = await self.client(Authorization=f"Bearer {token}")
        answer = await program.post("/api/tickets", json=ticket_json())
        self.assert_problem(answer, 401, "not-logged-in")
        history = ["token.created", "ticket.created", "user.suspended"]
        self.assertEqual(await self.history(), history)

    async def test_what_comes_during_a_suspension_is_refused_after_it(self) -> None:
        ticket = await self.new_ticket(self.ada)
        for method, path, body in (
            ("POST", "/api/tickets", ticket_json()),
            ("PATCH", f"/api/tickets/{ticket}", {"amount": "99"}),
            ("POST", f"/api/tickets/{ticket}/withdraw", None),
            ("PATCH", "/api/me", {"username": "Ada L."}),
        ):
            with self.subTest(path=path):
                program = await self.program_of(self.ada)
                async with self.suspending():
                    sent = await self.started(program.request(method, path, json=body))
                async with self.nothing_changes():
                    self.assert_problem(await sent, 401, "not-logged-in")
                self.assertEqual((await self.last_event()).action, "user.suspended")
                await self.employer.post(f"/api/employees/{self.ada.id}/reactivate")

    async def test_a_suspension_that_fails_lets_the_write_through(self) -> None:
        program = await self.program_of(self.ada)
        with self.assertRaises(ZeroDivisionError):
            async with self.suspending():
                sent = await self.started(program.post("/api/tickets", json=ticket_json()))
                raise ZeroDivisionError
        self.assertEqual((await sent).status_code, 201)
        self.assertEqual(await self.history(), ["ticket.created"])

    async def test_a_log_in_under_way_is_ended_with_the_others(self) -> None:
        async with self.database.transaction() as connection:
            session = await start_session(
                connection, self.ada.id, caller=Caller("127.0.0.1"), settings=self.settings
            )
            suspension = await self.suspended()
        self.assertEqual((await suspension).status_code, 200)
        self.assertEqual((await self.last_event()).details["sessions_ended"], 1)
        await self.employer.post(f"/api/employees/{self.ada.id}/reactivate")
        stale = await self.client(Authorization=f"Bearer {session.token}")
        self.assert_problem(await stale.get("/api/me"), 401, "not-logged-in")

    async def test_a_log_in_during_a_suspension_is_refused_after_it(self) -> None:
        async with self.suspending():
            sent = await self.started(self.log_in(self.ada))
        self.assert_problem(await sent, 403, "suspended")
        sessions = await self.employer.post(f"/api/employees/{self.ada.id}/reactivate")
        self.assertEqual(sessions.status_code, 200)
        self.assertEqual((await self.log_in(self.ada)).status_code, 200)

    async def test_a_log_in_during_a_reactivation_works_after_it(self) -> None:
        await self.suspend(self.ada, by=self.boss)
        async with self.database.transaction() as connection:
            await actions.reactivate(connection, self.ada.id, actor=self.boss)
            sent = await self.started(self.log_in(self.ada))
        self.assertEqual((await sent).status_code, 200)


class NoEmployerAnyMore(LockTestCase):
    """A decision in the console or through the API, and the end of the right to it."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss, self.dana = await self.new_employer(), await self.new_employer()
        self.ticket_id = await self.new_ticket(await self.new_employee())
        self.danas = await self.program_of(self.dana)

    def demotion(self) -> Awaitable[httpx.Response]:
        return self.danas.put(f"/api/users/{self.boss.id}/role", json={"role": "employee"})

    async def test_a_decision_under_way_comes_first(self) -> None:
        async with self.writing(await self.token_of(self.boss)) as (connection, boss):
            sent = await self.started(self.demotion())
            await approve_ticket(connection, self.ticket_id, actor=boss)
        self.assertEqual((await sent).status_code, 200)
        self.assertEqual((await self.history())[-2:], ["ticket.approved", "user.role_changed"])

    async def test_one_that_comes_later_is_refused_at_every_door(self) -> None:
        for client, address in (
            (await self.browser_of(self.boss), f"/admin/ticket/{self.ticket_id}/approve"),
            (await self.program_of(self.boss), f"/api/tickets/{self.ticket_id}/approve"),
        ):
            async with self.database.transaction() as connection:
                await employers.change_role(
                    connection, self.boss.id, Role.EMPLOYEE, actor=self.dana, settings=self.settings
                )
                sent = await self.started(client.post(address))
            async with self.nothing_changes():
                self.assertIn((await sent).status_code, {403, 404})
            async with self.database.transaction() as connection:
                await employers.change_role(
                    connection, self.boss.id, Role.EMPLOYER, actor=self.dana, settings=self.settings
                )


class Erasing(LockTestCase):
    async def test_a_log_in_under_way_waits_and_holds_nothing_meanwhile(self) -> None:
        ada = await self.new_employee()
        async with self.database.transaction() as connection:
            await locks.take_alone(connection, ada.id)
            sent = await self.started(self.log_in(ada))
            # What was counted for her is deleted last.
            await forget_attempts(connection, ada.id, ada.email)
        self.assertEqual((await sent).status_code, 200)


class NewPassword(LockTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer()
        self.ticket_id = await self.new_ticket(await self.new_employee())
        self.here = await self.program_of(self.boss)
        self.other = await self.token_of(self.boss)

    async def changed(self) -> asyncio.Task[httpx.Response]:
        body = {"old": PASSWORD, "new": NEW_PASSWORD}
        return await self.started(self.here.post("/api/me/password", json=body))

    async def test_a_decision_of_another_session_comes_first(self) -> None:
        async with self.writing(self.other) as (connection, boss):
            change = await self.changed()
            await approve_ticket(connection, self.ticket_id, actor=boss)
        self.assertEqual((await change).status_code, 200)
        self.assertEqual((await self.history())[-2:], ["ticket.approved", "user.password_changed"])

    async def test_or_is_refused_with_its_session(self) -> None:
        async with self.database.reading() as connection:
            actor = await authenticate(
                connection, self.here.headers["Authorization"][7:], lock=False
            )
        other = await self.client(Authorization=f"Bearer {self.other}")
        async with self.database.transaction() as connection:
            await locks.take_alone(connection, self.boss.id)
            sent = await self.started(other.post(f"/api/tickets/{self.ticket_id}/approve"))
            await end_sessions(connection, self.boss.id, but_for=actor.session_id)
        async with self.nothing_changes():
            self.assert_problem(await sent, 401, "not-logged-in")

    async def test_a_log_in_with_the_old_password_is_ended(self) -> None:
        async with self.database.transaction() as connection:
            session = await start_session(
                connection, self.boss.id, caller=Caller("127.0.0.1"), settings=self.settings
            )
            change = await self.changed()
        self.assertEqual((await change).json(), {"sessions_ended": 2})
        stale = await self.client(Authorization=f"Bearer {session.token}")
        self.assert_problem(await stale.get("/api/me"), 401, "not-logged-in")
