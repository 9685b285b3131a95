"""Erasing an employee who left: what goes, what stays, and that nothing brings them back."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from unittest import TestCase

import httpx
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError

from expenses.database.tables import Base
from expenses.notifications.outbox import Channel, message_table
from expenses.payments.payout import PayoutDetails, set_payout
from expenses.tickets.models import import_headings_table
from expenses.tickets.saved_filters import save_filter
from expenses.users.models import confirmation_table, invitation_table, user_table
from expenses.users.own_data import personal_tables
from expenses.users.registration import begin_registration
from expenses.users.throttling import HOUR, Limit
from tests.harness import (
    PASSWORD,
    AppTestCase,
    password_hash,
    registration,
    ticket_json,
)

# They say what was decided, filed and paid, and so stay.
KEPT = {
    ("tickets", "owner_id"),
    ("tickets", "decided_by_id"),
    ("events", "actor_id"),
    ("events", "user_id"),
    ("receipts", "owner_id"),
    ("payment_runs", "created_by_id"),
    ("payment_runs", "confirmed_by_id"),
    ("payment_runs", "ended_by_id"),
    ("payment_lines", "owner_id"),
    ("payment_lines", "paid_by_id"),
    ("invitations", "invited_by_id"),
}


class Tables(TestCase):
    def test_every_table_about_a_user_is_erased_or_kept_on_purpose(self) -> None:
        erased = {(table.name, "user_id") for table in personal_tables()}
        about_users = {
            (table.name, key.parent.name)
            for table in Base.metadata.tables.values()
            for key in table.foreign_keys
            if key.column.table is user_table
        }
        self.assertEqual(about_users - erased, KEPT)
        self.assertFalse(erased & KEPT)


class ErasingTestCase(AppTestCase):
    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.boss = await self.new_employer("Dana")
        self.ada = await self.new_employee("Ada Lovelace")
        self.browser = await self.browser_of(self.boss)
        self.path = f"/admin/employee/{self.ada.id}"
        self.details = f"/admin/employee/details/{self.ada.id}"
        self.name = f"former employee {self.ada.id}"

    async def erase(self, email: str | None = None) -> httpx.Response:
        data = {"email": self.ada.email if email is None else email}
        return await self.browser.post(f"{self.path}/erase", data=data)

    async def rows(self, table: str) -> list[dict[str, Any]]:
        query = text(f"SELECT to_jsonb({table}) FROM {table} ORDER BY 1")
        async with self.database.reading() as connection:
            return list(await connection.scalars(query))


class Erasing(ErasingTestCase):
    async def leave_traces(self) -> None:
        """In every table that knows a user."""
        program = await self.program_of(self.ada)
        await program.patch("/api/me", json={"username": "Ada Byron"})
        await program.patch("/api/me", json={"username": "Ada Lovelace"})
        keyed = {"Idempotency-Key": "one"}
        await program.post("/api/tickets", json=ticket_json(), headers=keyed)
        ticket = await self.new_due_ticket(self.ada, by=self.boss)
        run = await self.new_run(by=self.boss)
        await self.confirm(run, by=self.boss)
        await self.pay(run, by=self.boss)
        await self.new_receipt(self.ada, await self.new_ticket(self.ada, merchant=f"Shop {ticket}"))
        await self.new_receipt(self.ada)
        await self.reset_token(self.ada)
        account = PayoutDetails("Ada Lovelace", "DE89370400440532013000", None, None, None)
        async with self.database.transaction() as connection:
            await set_payout(connection, account, actor=self.ada, settings=self.settings)
            await connection.execute(
                insert(message_table).values(
                    channel=Channel.MAIL,
                    action="user.payout_changed",
                    user_id=self.ada.id,
                    facts={"was": self.ada.email},
                )
            )
            # As of an invitation that was not used.
            await connection.execute(
                insert(invitation_table).values(
                    email=self.ada.email,
                    email_identity=self.ada.email,
                    role=self.ada.role,
                    secret_hash=b"secret",
                    expires_at=datetime.now(UTC),
                )
            )
            await connection.execute(
                insert(message_table).values(
                    channel=Channel.MAIL, action="invitation.sent", facts={"to": self.ada.email}
                )
            )
            await connection.execute(
                insert(import_headings_table).values(user_id=self.ada.id, headings={"Ada": "date"})
            )
            await connection.execute(
                insert(confirmation_table).values(
                    secret_hash=b"secret", email=self.ada.email, expires_at=datetime.now(UTC)
                )
            )
            await begin_registration(
                connection, email=self.ada.email.upper(), password_hash=await password_hash()
            )
            await save_filter(connection, "Mine", "q=lunch", actor=self.ada)
            await save_filter(connection, "Other", "q=Ada", actor=self.boss)
            for name, value in (("Hers", self.ada.email), ("By name", "Ada Lovelace")):
                query = str(httpx.QueryParams({"status": "all", "employee": value}))
                await save_filter(connection, name, query, actor=self.boss)
        await self.browser.post(f"{self.path}/suspend", data={"reason": "Ada Lovelace left"})
        await self.log_in(PASSWORD + "!")

    async def log_in(self, password: str = PASSWORD) -> httpx.Response:
        program = await self.client()
        return await program.post(
            "/api/session", json={"email": self.ada.email, "password": password}
        )

    async def test_the_person_is_gone_from_every_table(self) -> None:
        await self.leave_traces()
        about_money = ("tickets", "payment_runs", "payment_lines")
        before = {table: await self.rows(table) for table in about_money}
        receipts, events = await self.rows("receipts"), await self.events()
        page = await self.browser.get(f"{self.path}/erase")
        for words in ("3 tickets stay hidden", "replaced by a number", "cannot be undone"):
            self.assertIn(words, page.text)
        answer = await self.erase(f" {self.ada.email.upper()}")
        self.assertEqual((answer.status_code, answer.headers["location"]), (303, self.details))
        for table in Base.metadata.tables:
            for row in await self.rows(table):
                for trace in (self.ada.email, self.ada.email.upper(), "Lovelace", "Byron", "DE89"):
                    self.assertNotIn(trace, str(row), table)
        for name in [table.name for table in personal_tables()]:
            owners = {row["user_id"] for row in await self.rows(name)}
            self.assertNotIn(self.ada.id, owners, name)
        self.assertEqual({table: await self.rows(table) for table in about_money}, before)
        kept = [row for row in receipts if row["ticket_id"] is not None]
        self.assertEqual(await self.rows("receipts"), kept)
        self.assertEqual([row["name"] for row in await self.rows("saved_filters")], ["Other"])
        address = Limit("address", "127.0.0.1", 0, HOUR)
        [attempts] = await self.rows("attempts")
        self.assertEqual(attempts["key"], rf"\x{address.key.hex()}")
        await self.assert_events(events)

    async def assert_events(self, before: list[Any]) -> None:
        """All are there; those of the account say less, and the last one is the erasing."""
        *others, erased = await self.events()
        self.assertEqual(
            (erased.action, erased.actor_id, erased.user_id, erased.details),
            ("user.erased", self.boss.id, self.ada.id, {}),
        )
        for old, new in zip(before, others, strict=True):
            if old.action.startswith("user.") and old.user_id == self.ada.id:
                self.assertEqual(old[:-1], new[:-1])
                self.assertLessEqual(new.details.items(), old.details.items())
            else:
                self.assertEqual(old, new)
        [suspended] = await self.events("user.suspended")
        self.assertEqual(suspended.details.keys(), {"sessions_ended", "hidden"})

    async def test_pages_show_the_new_name_and_no_way_back(self) -> None:
        await self.suspend(self.ada, by=self.boss)
        await self.erase()
        page = await self.browser.get(self.details)
        self.assertIn(f"<bdi>{self.name}</bdi>", page.text)
        self.assertIn("called former employee", page.text)
        listed = await self.browser.get("/admin/employee/list?status=suspended")
        self.assertIn(self.name, listed.text)
        for shown in (page.text, listed.text):
            self.assertIn("status-erased", shown)
            self.assertNotIn("/reactivate", shown)
            self.assertNotIn("/reset-link", shown)
        history = await self.browser.get("/admin/history")
        self.assertIn("erased", history.text)
        self.assertNotIn("Lovelace", history.text)

    async def test_they_cannot_come_back_but_their_e_mail_can(self) -> None:
        await self.suspend(self.ada, by=self.boss)
        await self.erase()
        program = await self.program_of(self.boss)
        async with self.nothing_changes():
            self.assert_problem(await self.log_in(), 404, "not-registered")
            answer = await program.post(f"/api/employees/{self.ada.id}/reactivate")
            self.assert_problem(answer, 409, "already-erased")
            answer = await program.post(f"/api/employees/{self.ada.id}/suspend")
            self.assert_problem(answer, 409, "already-suspended")
            for verb in ("reactivate", "undo", "reset-link", "erase"):
                answer = await self.browser.post(f"{self.path}/{verb}", data={"email": self.name})
                self.assertIn(answer.status_code, (303, 409), verb)
            with self.assertRaises(IntegrityError):
                async with self.database.transaction() as connection:
                    await connection.execute(
                        update(user_table)
                        .where(user_table.c.id == self.ada.id)
                        .values(suspended_at=None)
                    )
        stranger = await self.client()
        again = registration(email=self.ada.email, username="Ada Lovelace")
        answer = await stranger.post("/api/users", json=again)
        self.assertEqual(answer.status_code, 201, answer.text)
        self.assertNotEqual(answer.json()["user"]["id"], self.ada.id)

    async def test_a_message_waits_for_the_other_systems(self) -> None:
        self.database.outgoing = {Channel.WEBHOOK: asyncio.Event()}
        await self.suspend(self.ada, by=self.boss)
        await self.erase()
        async with self.database.reading() as connection:
            sent = list(await connection.scalars(select(message_table.c.action)))
        self.assertEqual(sent, ["user.suspended", "user.erased"])


class Employers(ErasingTestCase):
    async def test_a_deactivated_employer_is_erased_and_what_they_decided_stays(self) -> None:
        omar = await self.new_employer("Omar Haddad")
        ticket = await self.new_ticket(self.ada)
        await self.approve(ticket, by=omar)
        path, home = f"/admin/employee/{omar.id}/erase", f"/admin/employers/{omar.id}"
        await self.browser.post(f"{home}/deactivate")
        self.assertIn(path, (await self.browser.get(home)).text)
        await self.browser.post(path, data={"email": omar.email})
        event = await self.last_event()
        self.assertEqual(
            (event.action, event.actor_id, event.user_id), ("user.erased", self.boss.id, omar.id)
        )
        decided = await self.ticket(ticket, seen_by=self.boss)
        self.assertEqual(decided.decided_by_username, f"former employee {omar.id}")
        page, listed = await self.browser.get(home), await self.browser.get("/admin/employers")
        for shown in (page.text, listed.text):
            self.assertIn("status-erased", shown)
            self.assertNotIn("Haddad", shown)
            self.assertNotIn("/activate", shown)
        async with self.nothing_changes():
            await self.browser.post(f"{home}/activate")
        page = await self.browser.get(home)
        self.assertIn("There is no way back.", page.text)


class Refusals(ErasingTestCase):
    async def test_only_the_right_e_mail_erases(self) -> None:
        await self.suspend(self.ada, by=self.boss)
        for wrong in ("", "Ada Lovelace", self.boss.email, "x" * 300):
            async with self.nothing_changes():
                answer = await self.erase(wrong)
            self.assertEqual(answer.status_code, 422)
            self.assertIn("This is not their e-mail.", answer.text)

    async def test_whoever_has_access_is_not_erased(self) -> None:
        async with self.nothing_changes():
            for method in ("GET", "POST"):
                answer = await self.browser.request(method, f"{self.path}/erase")
                self.assertEqual(answer.headers["location"], self.details)
                page = await self.browser.get(answer.headers["location"])
                self.assertIn("Ada Lovelace is not suspended.", page.text)
                self.assertNotIn("/erase", page.text)

    async def test_an_active_employer_is_not_erased_not_even_by_themselves(self) -> None:
        for boss in (self.boss, await self.new_employer("Omar")):
            async with self.nothing_changes():
                await self.browser.post(
                    f"/admin/employee/{boss.id}/erase", data={"email": boss.email}
                )
            page = await self.browser.get(f"/admin/employers/{boss.id}")
            self.assertIn(f"{boss.username} is not suspended.", page.text)

    async def test_nobody_is_not_erased(self) -> None:
        for number in (0, 999_999, 2**63):
            async with self.nothing_changes():
                path = f"/admin/employee/{number}/erase"
                for method in ("GET", "POST"):
                    answer = await self.browser.request(method, path)
                    self.assertEqual(answer.status_code, 404)
