"""Roles change and employers leave, through the API; nobody decides a ticket of their own."""

import asyncio
from collections.abc import Awaitable

import httpx
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from expenses.payments.models import line_table, run_table
from expenses.tickets.models import ticket_table
from expenses.users.models import Role, user_table
from tests.harness import PASSWORD, AppTestCase, CommittingTestCase, ticket_json


class Roles(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.dana, self.ada = await self.new_employer("Dana"), await self.new_employee("Ada")
        self.api = await self.program_of(self.dana)

    async def test_open_sessions_follow_at_once(self) -> None:
        other = await self.new_ticket(await self.new_employee())
        program, browser = await self.program_of(self.ada), await self.browser_of(self.ada)
        answer = await self.api.put(
            f"/api/users/{self.ada.id}/role", json={"role": "employer", "reason": "Runs Leeds"}
        )
        self.assertEqual((answer.status_code, answer.json()["role"]), (200, "employer"))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "user.role_changed",
                self.dana.id,
                self.ada.id,
                {"role": "employer", "reason": "Runs Leeds"},
            ),
        )
        self.assertEqual((await browser.get("/admin/ticket/list")).status_code, 200)
        self.assertEqual((await program.post(f"/api/tickets/{other}/approve")).status_code, 200)
        self.assert_problem(
            await program.post("/api/tickets", json=ticket_json()), 403, "forbidden"
        )

        answer = await self.api.put(f"/api/users/{self.ada.id}/role", json={"role": "employee"})
        self.assertEqual((answer.status_code, answer.json()["role"]), (200, "employee"))
        self.assertEqual((await browser.get("/admin/ticket/list")).status_code, 403)
        self.assert_problem(await program.get(f"/api/tickets/{other}"), 404, "not-found")
        decided = await self.ticket(other, seen_by=self.dana)
        self.assertEqual(decided.decided_by_username, "Ada")

    async def test_a_link_for_a_new_password_from_before_is_useless(self) -> None:
        token = await self.reset_token(self.ada)
        browser = await self.client()
        self.assertEqual((await browser.get(f"/reset?token={token}")).status_code, 200)
        await self.api.put(f"/api/users/{self.ada.id}/role", json={"role": "employer"})
        self.assertEqual((await browser.get(f"/reset?token={token}")).status_code, 303)

    async def test_the_last_active_employer_stays_one(self) -> None:
        left = await self.new_employer()
        await self.api.post(f"/api/employers/{left.id}/deactivate")
        async with self.nothing_changes():
            answer = await self.api.put(
                f"/api/users/{self.dana.id}/role", json={"role": "employee"}
            )
            self.assert_problem(answer, 409, "last-employer")
        await self.api.post(f"/api/employers/{left.id}/activate")
        answer = await self.api.put(f"/api/users/{self.dana.id}/role", json={"role": "employee"})
        self.assertEqual(answer.status_code, 200)
        self.assert_problem(await self.api.get("/api/employees"), 403, "forbidden")

    async def test_refusals_change_nothing(self) -> None:
        viktor = await self.new_employee()
        await self.suspend(viktor, by=self.dana)
        employee = await self.program_of(self.ada)
        async with self.nothing_changes():
            for program, user_id, role, status, code in (
                (employee, self.ada.id, "employer", 403, "forbidden"),
                (self.api, self.ada.id, "employee", 409, "role-unchanged"),
                (self.api, viktor.id, "employer", 409, "already-suspended"),
                (self.api, 999_999, "employer", 404, "not-found"),
                (self.api, self.ada.id, "admin", 422, "invalid-input"),
            ):
                answer = await program.put(f"/api/users/{user_id}/role", json={"role": role})
                self.assert_problem(answer, status, code)


class Leaving(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.dana, self.priya = await self.new_employer("Dana"), await self.new_employer("Priya")
        self.api = await self.program_of(self.dana)

    async def test_access_ends_and_decisions_stay(self) -> None:
        ticket = await self.new_ticket(await self.new_employee())
        await self.approve(ticket, by=self.priya)
        program, browser = await self.program_of(self.priya), await self.browser_of(self.priya)
        answer = await self.api.post(
            f"/api/employers/{self.priya.id}/deactivate", json={"reason": "Left"}
        )
        self.assertEqual((answer.status_code, answer.json()["suspended"]), (200, True))
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id, event.details),
            (
                "user.deactivated",
                self.dana.id,
                self.priya.id,
                {"reason": "Left", "sessions_ended": 2},
            ),
        )
        for client in (program, browser):
            self.assert_problem(await client.get("/api/me"), 401, "not-logged-in")
        log_in = {"email": self.priya.email, "password": PASSWORD}
        stranger = await self.client()
        self.assert_problem(await stranger.post("/api/session", json=log_in), 403, "suspended")
        decision = (await self.api.get(f"/api/tickets/{ticket}")).json()["decision"]
        self.assertEqual(decision["by"]["username"], "Priya")
        listed = (await self.api.get("/api/employers")).json()["items"]
        self.assertEqual(
            [(one["username"], one["suspended"]) for one in listed],
            [("Priya", True), ("Dana", False)],
        )

        answer = await self.api.post(f"/api/employers/{self.priya.id}/activate")
        self.assertEqual((answer.status_code, answer.json()["suspended"]), (200, False))
        self.assertEqual((await self.last_event()).action, "user.activated")
        self.assertEqual((await stranger.post("/api/session", json=log_in)).status_code, 200)

    async def test_refusals_change_nothing(self) -> None:
        ada = await self.new_employee()
        employee = await self.program_of(ada)
        async with self.nothing_changes():
            for program, address, status, code in (
                (employee, f"{self.priya.id}/deactivate", 403, "forbidden"),
                (employee, f"{self.priya.id}/activate", 403, "forbidden"),
                (self.api, f"{self.dana.id}/deactivate", 403, "forbidden"),
                (self.api, f"{self.priya.id}/activate", 409, "not-suspended"),
                (self.api, f"{ada.id}/deactivate", 404, "not-found"),
            ):
                answer = await program.post(f"/api/employers/{address}")
                self.assert_problem(answer, status, code)
            self.assert_problem(await employee.get("/api/employers"), 403, "forbidden")
            self.assert_problem(await self.api.get(f"/api/employers/{ada.id}"), 404, "not-found")

    async def test_what_they_filed_as_an_employee_is_hidden_and_counted(self) -> None:
        ada = await self.new_employee("Ada")
        ticket = await self.new_due_ticket(ada, by=self.dana)
        run = await self.new_run(by=self.dana)
        await self.api.put(f"/api/users/{ada.id}/role", json={"role": "employer"})
        await self.api.post(f"/api/employers/{ada.id}/deactivate")
        self.assert_problem(await self.api.get(f"/api/tickets/{ticket}"), 404, "not-found")
        details = (await self.last_event()).details
        self.assertEqual(details["hidden"][0]["approved_amount"], "12.50")
        answer = (await self.api.get(f"/api/payment-runs/{run}")).json()
        self.assertEqual(answer["tickets"], 0)


class OwnTickets(AppTestCase):
    """Ada filed tickets before she became an employer."""

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.dana, self.ada = await self.new_employer("Dana"), await self.new_employee("Ada")
        self.pending = await self.new_ticket(self.ada)
        self.due = await self.new_due_ticket(self.ada, by=self.dana)
        api = await self.program_of(self.dana)
        await api.put(f"/api/users/{self.ada.id}/role", json={"role": "employer"})
        self.api = await self.program_of(self.ada)

    async def test_nobody_decides_their_own(self) -> None:
        async with self.nothing_changes():
            for address, body in (
                (f"{self.pending}/approve", None),
                (f"{self.pending}/deny", {"reason": "Too dear"}),
                (f"{self.due}/reopen", {"reason": "Too hasty"}),
            ):
                answer = await self.api.post(f"/api/tickets/{address}", json=body)
                self.assert_problem(answer, 403, "own-ticket")
        await self.approve(self.pending, by=self.dana)
        self.assertEqual((await self.last_event()).action, "ticket.approved")

    async def test_they_see_them_and_withdraw_what_is_pending(self) -> None:
        self.assertEqual((await self.api.get(f"/api/tickets/{self.due}")).status_code, 200)
        answer = await self.api.post(f"/api/tickets/{self.pending}/withdraw")
        self.assertEqual((answer.status_code, answer.json()["status"]), (200, "withdrawn"))

    async def test_nobody_confirms_or_pays_their_own(self) -> None:
        other = await self.new_due_ticket(await self.new_employee(), by=self.dana)
        run = await self.new_run(by=self.ada._replace(role=Role.EMPLOYER))
        paid_on = {"paid_on": self.settings.today().isoformat()}
        async with self.nothing_changes():
            answer = await self.api.post(f"/api/payment-runs/{run}/confirm")
            self.assert_problem(answer, 403, "own-ticket")
        await self.confirm(run, by=self.dana)
        async with self.nothing_changes():
            answer = await self.api.post(f"/api/payment-runs/{run}/pay", json=paid_on)
            self.assert_problem(answer, 403, "own-ticket")
        answer = await self.api.post(
            f"/api/payment-runs/{run}/pay", json=paid_on | {"tickets": [other]}
        )
        self.assertEqual((answer.status_code, answer.json()["paid_tickets"]), (200, 1))
        await self.pay(run, by=self.dana)
        self.assertIsNotNone((await self.ticket(self.due, seen_by=self.dana)).paid_at)

    async def test_the_bank_file_is_made_by_another(self) -> None:
        employee = await self.new_employee()
        due = await self.new_due_ticket(employee, by=self.dana)
        api = await self.program_of(self.dana)
        await (await self.program_of(employee)).put(
            "/api/me/payout",
            json={"holder": "Ben", "iban": "DE89370400440532013000", "password": PASSWORD},
        )
        run = await self.new_run(by=self.dana, tickets=[due])
        await self.confirm(run, by=self.dana)
        await api.put(f"/api/users/{employee.id}/role", json={"role": "employer"})
        program = await self.program_of(employee)
        async with self.nothing_changes():
            answer = await program.post(f"/api/payment-runs/{run}/file", json={"kind": "csv"})
            self.assert_problem(answer, 403, "own-ticket")
        answer = await api.post(f"/api/payment-runs/{run}/file", json={"kind": "csv"})
        self.assertEqual(answer.status_code, 200)

    async def test_the_database_refuses_it_too(self) -> None:
        run = await self.new_run(by=self.dana)
        for statement in (
            update(ticket_table)
            .where(ticket_table.c.id == self.pending)
            .values(status="approved", decided_by_id=self.ada.id, decided_at=text("now()")),
            update(line_table)
            .where(line_table.c.ticket_id == self.due)
            .values(paid_by_id=self.ada.id, paid_at=text("now()")),
            update(run_table)
            .where(run_table.c.id == run)
            .values(status="confirmed", confirmed_by_id=self.ada.id, confirmed_at=text("now()")),
        ):
            with self.assertRaises(IntegrityError):
                async with self.database.transaction() as connection:
                    await connection.execute(statement)


class AtOnce(CommittingTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.dana, self.priya = await self.new_employer(), await self.new_employer()
        self.danas, self.priyas = await self.program_of(self.dana), await self.program_of(
            self.priya
        )

    async def test_of_two_who_demote_each_other_one_stays(self) -> None:
        body = {"role": "employee"}
        await self.assert_one_stays(
            self.danas.put(f"/api/users/{self.priya.id}/role", json=body),
            self.priyas.put(f"/api/users/{self.dana.id}/role", json=body),
            refusal=403,
        )

    async def test_of_two_who_deactivate_each_other_one_stays(self) -> None:
        await self.assert_one_stays(
            self.danas.post(f"/api/employers/{self.priya.id}/deactivate"),
            self.priyas.post(f"/api/employers/{self.dana.id}/deactivate"),
            refusal=401,
        )

    async def test_of_two_who_step_down_one_stays(self) -> None:
        body = {"role": "employee"}
        await self.assert_one_stays(
            self.danas.put(f"/api/users/{self.dana.id}/role", json=body),
            self.priyas.put(f"/api/users/{self.priya.id}/role", json=body),
            refusal=409,
        )

    async def assert_one_stays(self, *requests: Awaitable[httpx.Response], refusal: int) -> None:
        answers = await asyncio.gather(*requests)
        self.assertEqual(sorted(answer.status_code for answer in answers), [200, refusal])
        async with self.database.reading() as connection:
            active = await connection.scalar(
                select(func.count())
                .select_from(user_table)
                .where(user_table.c.role == Role.EMPLOYER, user_table.c.suspended_at.is_(None))
            )
        self.assertEqual(active, 1)
        changes = await self.events("user.role_changed", "user.deactivated")
        self.assertEqual(len(changes), 1)
