"""Two roles: one owns the tables and migrates, the application runs as the other."""

import asyncio
import html
import re
from typing import Any

import httpx
from sqlalchemy import text

from expenses.receipts import actions as receipt_actions
from expenses.users.queries import UserView
from expenses.web import housekeeping
from tests.command_line import ACCOUNT, CommandLineTestCase, execute
from tests.harness import (
    PASSWORD,
    CommittingTestCase,
    as_role,
    empty_database,
    new_role,
    one_more_migration,
    ticket_json,
)

KEY = {"SECRET_KEY": "x" * 40}
EXCESS = """
SELECT rolsuper, rolcreaterole, pg_has_role(oid, :owner, 'MEMBER'),
    has_schema_privilege(oid, 'public', 'CREATE'),
    EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)
FROM pg_roles WHERE rolname = current_user
"""


class TwoRolesTestCase(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.owner, self.role = new_role(), new_role()
        self.url = empty_database(owner=self.owner)
        self.app_url = as_role(self.role, self.url)

    def run_as_owner(self, *arguments: str) -> str:
        ended = self.run_command(*arguments, DATABASE_URL=self.url)
        self.assertEqual(ended.status, 0, ended.stderr)
        return ended.stdout

    def rows(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        return asyncio.run(execute(url, statement))

    def as_superuser(self, statement: str) -> None:
        asyncio.run(execute(as_role("postgres", self.url), statement))


class Grant(TwoRolesTestCase):
    def test_it_says_what_it_granted_and_twice_is_as_good_as_once(self) -> None:
        printed = self.run_as_owner("grant", self.role)
        for line in (
            "alembic_version: SELECT",
            "events: SELECT, INSERT",
            "tickets: SELECT, INSERT, UPDATE, DELETE",
            "receipts: SELECT, INSERT, UPDATE, DELETE",
            "sequences: USAGE",
            "tables of later migrations: SELECT, INSERT, UPDATE, DELETE",
        ):
            self.assertIn(f"  {line}\n", printed)
        before = self.privileges()
        self.assertEqual(self.run_as_owner("grant", self.role), printed)
        self.assertEqual(self.privileges(), before)

    def test_what_somebody_granted_beyond_it_is_taken_away(self) -> None:
        self.run_as_owner("migrate")
        for statement in (
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {self.role}",
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {self.role}",
            f"GRANT UPDATE (details) ON events TO {self.role}",
        ):
            self.rows(self.url, statement)
        self.run_as_owner("grant", self.role)
        after = self.privileges()
        other = new_role()
        self.run_as_owner("grant", other)
        self.assertEqual(after, [row for row in self.privileges() if other not in str(row)])
        ended = self.run_command("grant", self.role, DATABASE_URL=self.url)
        self.assertIn("  events: SELECT, INSERT\n", ended.stdout)

    def test_what_later_migrations_make_is_covered(self) -> None:
        self.run_as_owner("grant", self.role)
        self.rows(self.url, "CREATE TABLE later (id bigserial, word text)")
        self.rows(self.app_url, "INSERT INTO later (word) VALUES ('new')")
        self.rows(self.app_url, "UPDATE later SET word = 'newer'")
        self.assertEqual(self.rows(self.app_url, "DELETE FROM later RETURNING id"), [(1,)])

    def test_a_name_may_be_of_anything(self) -> None:
        name = 'the "app":one %s'
        self.as_superuser('CREATE ROLE "the ""app""\\:one %s" LOGIN')
        self.run_as_owner("grant", name)
        self.assertEqual(self.rows(as_role(name, self.url), "SELECT * FROM tickets"), [])

    def test_a_role_that_could_do_more_is_refused_and_gets_nothing(self) -> None:
        self.run_as_owner("migrate")
        before = self.privileges()
        superuser, creator = new_role("SUPERUSER"), new_role("CREATEROLE")
        member = new_role(f"IN ROLE {self.owner}")
        writer = new_role("IN ROLE pg_write_all_data")
        for role, *words in (
            ("nobody_at_all", "nobody_at_all", "CREATE ROLE"),
            (superuser, "superuser"),
            (creator, "CREATEROLE"),
            (member, "member", self.owner),
            (self.owner, self.owner, "owns the tables"),
            (writer, "history"),
        ):
            with self.subTest(role=role):
                self.assert_refused(
                    self.run_command("grant", role, DATABASE_URL=self.url), role, *words
                )
        self.assertEqual(self.privileges(), before)

    def test_a_schema_where_everybody_may_make_tables_is_refused(self) -> None:
        # As PostgreSQL did it before 15.
        self.as_superuser("GRANT CREATE ON SCHEMA public TO PUBLIC")
        refused = self.run_command("grant", self.role, DATABASE_URL=self.url)
        self.assert_refused(refused, self.role, f"FROM PUBLIC, {self.role}")
        self.as_superuser(refused.stderr[refused.stderr.index("REVOKE") :])
        self.run_as_owner("grant", self.role)

    def test_only_the_owner_grants(self) -> None:
        self.run_as_owner("grant", self.role)
        before = self.privileges()
        for url in (as_role("postgres", self.url), self.app_url):
            refused = self.run_command("grant", new_role(), DATABASE_URL=url)
            self.assert_refused(refused, self.owner)
        self.assertEqual(self.privileges(), before)

    def privileges(self) -> list[tuple[Any, ...]]:
        return self.rows(
            self.url,
            "SELECT relname, grantee::regrole::text, privilege_type"
            " FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'public'::regnamespace"
            " UNION ALL SELECT defaclobjtype::text, grantee::regrole::text, privilege_type"
            " FROM pg_default_acl, aclexplode(defaclacl) ORDER BY 1, 2, 3",
        )


class Serve(TwoRolesTestCase):
    def test_it_runs_as_the_role_of_the_application(self) -> None:
        self.run_as_owner("grant", self.role)
        process, address, _ = self.start("serve", DATABASE_URL=self.app_url, **KEY)
        client = self.register(address)
        ticket = client.post("/api/tickets", json=ticket_json()).json()["id"]
        self.end(process)
        self.assertEqual(
            self.rows(self.url, "SELECT action, ticket_id FROM events ORDER BY id"),
            [("user.registered", None), ("ticket.created", ticket)],
        )

    def test_missing_migrations_are_left_to_the_owner(self) -> None:
        refused = self.run_command("serve", DATABASE_URL=self.app_url, **KEY)
        self.assert_refused(refused, "expenses migrate", "role that owns the tables")
        # Not even the schema may be looked into.
        self.as_superuser("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        refused = self.run_command("serve", DATABASE_URL=self.app_url, **KEY)
        self.assert_refused(refused, "expenses migrate", "role that owns the tables")
        self.run_as_owner("grant", self.role)
        with one_more_migration() as revision:
            refused = self.run_command("serve", DATABASE_URL=self.app_url, **KEY)
        self.assert_refused(refused, "expenses migrate", "role that owns the tables")
        found = self.rows(self.url, "SELECT version_num FROM alembic_version")
        self.assertNotEqual(found, [(revision,)])

    def test_missing_grants_are_named(self) -> None:
        self.run_as_owner("migrate")
        refused = self.run_command("serve", DATABASE_URL=self.app_url, **KEY)
        self.assert_refused(refused, "expenses grant", "owns them")


class MainPath(TwoRolesTestCase, CommittingTestCase):
    """What people do all day, with the application connected as its role."""

    def setUp(self) -> None:
        super().setUp()
        self.run_as_owner("grant", self.role)
        self._address = self.app_url

    async def asyncSetUp(self) -> None:
        await super().asyncSetUp()
        self.ada, self.dana = await self.new_employee("Ada"), await self.new_employer("Dana")
        async with self.database.reading() as connection:
            rights = await connection.execute(text(EXCESS), {"owner": self.owner})
            self.assertEqual(tuple(rights.one()), (False,) * 5)

    async def test_tickets_are_filed_decided_and_counted(self) -> None:
        employee, employer = await self.log_in(self.ada), await self.log_in(self.dana)
        tickets = [await self.file(employee) for _ in range(4)]
        await self.ok(employee.patch(f"/api/tickets/{tickets[3]}", json={"amount": "1.00"}))
        await self.ok(employee.post(f"/api/tickets/{tickets[3]}/withdraw"))
        await self.ok(employer.post(f"/api/tickets/{tickets[0]}/approve"))
        await self.ok(employer.post(f"/api/tickets/{tickets[1]}/deny", json={"reason": "Private"}))
        await self.ok(employer.post(f"/api/tickets/{tickets[0]}/reopen", json={"reason": "Oops"}))
        await self.ok(employer.post(f"/api/tickets/{tickets[0]}/approve"))
        console = await self.browser_of(self.dana)
        overview = await self.ok(console.get("/admin/overview"))
        self.assertIn("Ada", overview.text)
        export = await self.ok(console.get("/admin/ticket/export/csv", params={"status": "all"}))
        self.assertEqual(export.text.count("Lunch with a customer"), 4)
        await self.ok(console.get("/admin/history"))
        statuses = [(await self.ticket(each, seen_by=self.dana)).status for each in tickets]
        self.assertEqual(statuses, ["approved", "denied", "pending", "withdrawn"])
        events = await self.events()
        self.assertEqual(
            [event.action for event in events if event.ticket_id == tickets[0]],
            ["ticket.created", "ticket.approved", "ticket.reopened", "ticket.approved"],
        )

    async def test_employees_are_suspended_and_come_back(self) -> None:
        employee, employer = await self.log_in(self.ada), await self.log_in(self.dana)
        await self.file(employee)
        await self.ok(employer.post(f"/api/employees/{self.ada.id}/suspend"))
        self.assert_problem(await employee.get("/api/tickets"), 401, "not-logged-in")
        self.assertEqual((await employer.get("/api/tickets")).json()["items"], [])
        await self.ok(employer.post(f"/api/employees/{self.ada.id}/reactivate"))
        employee = await self.log_in(self.ada)
        self.assertEqual(len((await employee.get("/api/tickets")).json()["items"]), 1)
        self.assertEqual((await employee.delete("/api/session")).status_code, 204)
        self.assertEqual(
            [event.user_id for event in await self.events("user.suspended", "user.reactivated")],
            [self.ada.id] * 2,
        )

    async def test_people_who_left_are_erased(self) -> None:
        console = await self.browser_of(self.dana)
        await console.post(f"/admin/employee/{self.ada.id}/suspend", data={"reason": "Ada left"})
        # Nobody's account loses details before it is erased.
        forget = text(f"SELECT forget_account_details({self.ada.id})")
        async with self.nothing_changes(), self.database.transaction() as connection:
            await connection.execute(forget)
        await console.post(f"/admin/employee/{self.ada.id}/erase", data={"email": self.ada.email})
        events = await self.events("user.suspended", "user.erased")
        self.assertEqual([event.details for event in events], [{"sessions_ended": 0}, {}])

    async def test_tickets_are_imported(self) -> None:
        browser = await self.browser_of(self.ada)
        content = b"date,amount,currency,category,description,links\n2026-11-19,99,,travel,Train,\n"
        preview = await self.ok(
            browser.post("/tickets/import", files={"file": ("tickets.csv", content)})
        )
        form = {
            name: html.unescape(found[1])
            for name, pattern in (
                ("key", r'name="key" value="([^"]+)"'),
                ("text", r'<textarea name="text" hidden>\n(.*?)</textarea>'),
            )
            if (found := re.search(pattern, preview.text, re.DOTALL))
        }
        files = {name: (None, value) for name, value in form.items()}
        answer = await browser.post("/tickets/import/save", files=files)
        self.assertEqual(answer.status_code, 303, answer.text)
        [event] = await self.events("ticket.created")
        ticket = await self.ticket(event.ticket_id or 0, seen_by=self.ada)
        self.assertEqual(ticket.description, "Train")

    async def test_receipts_are_added_removed_and_tidied_up(self) -> None:
        employee = await self.log_in(self.ada)
        ticket = await self.file(employee)
        for number in [await self.new_receipt(self.ada, ticket) for _ in range(2)][:1]:
            answer = await employee.delete(f"/api/tickets/{ticket}/receipts/{number}")
            self.assertEqual(answer.status_code, 204, answer.text)
        draft, forgotten = [await self.new_receipt(self.ada) for _ in range(2)]
        async with self.database.transaction() as connection:
            await receipt_actions.attach_drafts(connection, ticket, [draft], actor=self.ada)
            await connection.execute(
                text(f"UPDATE receipts SET added_at = '2020-01-01' WHERE id = {forgotten}")
            )
        await housekeeping.tidy(self.database, self.app.state.storage)
        await housekeeping.keep_sums(self.database)
        self.assertEqual(await self.count("receipts"), 2)
        actions = [event.action for event in await self.events() if event.ticket_id == ticket]
        self.assertEqual(actions.count("ticket.receipt_added"), 3)
        self.assertEqual(actions.count("ticket.receipt_removed"), 1)

    async def test_somebody_registers_and_what_has_expired_is_removed(self) -> None:
        account = {name: ACCOUNT[name] for name in ("email", "password")}
        abandoned, browser = await self.client(), await self.client()
        for each in (abandoned, browser):
            page = await each.post("/login", data=account, follow_redirects=True)
            self.assertIn('name="username"', page.text)
        answer = await browser.post(
            "/register", data={"username": "Ada Lovelace", "role": "employee"}
        )
        self.assertEqual(answer.status_code, 303, answer.text)
        tables = ("sessions", "pending_registrations")
        self.assertEqual([await self.count(table) for table in tables], [1, 1])
        async with self.database.transaction() as connection:
            for table in tables:
                await connection.execute(text(f"UPDATE {table} SET expires_at = '2020-01-01'"))
        await housekeeping.tidy(self.database, self.app.state.storage)
        self.assertEqual([await self.count(table) for table in tables], [0, 0])

    async def test_history_and_tables_are_out_of_its_reach(self) -> None:
        await self.file(await self.log_in(self.ada))
        async with self.nothing_changes():
            for statement in (
                "UPDATE events SET action = 'nothing'",
                "DELETE FROM events",
                "TRUNCATE events",
                "ALTER TABLE events DISABLE TRIGGER ALL",
                "DROP TRIGGER events_append_only ON events",
                "TRUNCATE tickets CASCADE",
                "UPDATE alembic_version SET version_num = '-'",
                "SELECT setval('tickets_id_seq', 1)",
                "CREATE TABLE more (id int)",
                "CREATE SCHEMA more",
            ):
                with self.subTest(statement=statement):
                    problem = "permission denied|must be owner"
                    with self.assertRaisesRegex(Exception, problem):
                        async with self.database.transaction() as connection:
                            await connection.execute(text(statement))

    async def count(self, table: str) -> int:
        async with self.database.reading() as connection:
            return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)

    async def log_in(self, user: UserView) -> httpx.AsyncClient:
        program = await self.client()
        answer = await program.post(
            "/api/session", json={"email": user.email, "password": PASSWORD}
        )
        program.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return program

    async def file(self, program: httpx.AsyncClient) -> int:
        answer = await program.post("/api/tickets", json=ticket_json())
        self.assertEqual(answer.status_code, 201, answer.text)
        number: int = answer.json()["id"]
        return number

    async def ok(self, asked: Any) -> httpx.Response:
        answer: httpx.Response = await asked
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer
