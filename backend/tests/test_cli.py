"""The command line, as a person types it: processes of their own, on data folders of their own."""

import asyncio
import socket
import subprocess
import sys
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine import make_url

from expenses.settings import read_settings
from tests.command_line import CommandLineTestCase, execute, free_port
from tests.harness import PASSWORD, empty_database, new_database, server
from tests.payment_consistency import inconsistencies


class Serve(CommandLineTestCase):
    def test_a_taken_port_is_said(self) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = str(listener.getsockname()[1])
            for command in ("serve", "demo"):
                self.assert_refused(self.run_command(command, "--port", port), port, "--port")
        self.assertFalse(self.has_postgres())

    def test_a_database_that_cannot_be_used_is_said(self) -> None:
        key = {"SECRET_KEY": "x" * 40}
        for url, word in (
            ("postgresql://nobody@127.0.0.1:1/nothing", "nothing is listening there"),
            ("postgresql://nobody@no-such-host.invalid/nothing", "cannot be resolved"),
            ("mysql://root@127.0.0.1/x", "postgresql://"),
            ("sqlite:///x.db", "postgresql://"),
            ("postgresql://nobody@127.0.0.1/nothing?foo=1", "option"),
            ("not an address", "postgresql://"),
            ("postgresql://127.0.0.1:port/x", "postgresql://"),
            (server().url("no_such_database"), "CREATE DATABASE"),
        ):
            for command in ("serve", "migrate", "seed"):
                with self.subTest(url=url, command=command):
                    ended = self.run_command(command, DATABASE_URL=url, **key)
                    self.assert_refused(ended, word)

    def test_a_server_without_the_extension_is_said(self) -> None:
        url = empty_database(owner="postgres")
        name = make_url(url).database
        nowhere = f"ALTER DATABASE {name} SET extension_control_path = '/nowhere'"
        asyncio.run(execute(url, nowhere))
        self.assert_refused(self.run_command("migrate", DATABASE_URL=url), "pg_trgm", "contrib")

    def test_links_lead_to_the_port_that_is_listened_on(self) -> None:
        settings = {"DATABASE_URL": self.new_demo_company(), "SECRET_KEY": "x" * 40}
        port = free_port()
        for command, variables, address in (
            ("serve", {}, f"http://localhost:{port}/"),
            ("demo", {"PUBLIC_URL": ""}, f"http://localhost:{port}/"),
            ("serve", {"PUBLIC_URL": "https://expenses.example"}, "https://expenses.example/"),
        ):
            seen: list[str] = []
            with (
                self.subTest(command=command, variables=variables),
                patch(
                    "expenses.server.serve",
                    lambda *_, seen=seen, **__: seen.append(str(read_settings().public_url)),
                ),
            ):
                ended = self.run_command(command, "--port", str(port), **settings, **variables)
                self.assertEqual((ended.status, seen), (0, [address]), ended.stderr)

    def test_a_database_of_ones_own_needs_a_secret_key(self) -> None:
        ended = self.run_command("serve", DATABASE_URL=new_database())
        self.assert_refused(ended, "SECRET_KEY")

    def test_a_newer_database_is_refused(self) -> None:
        url = new_database()
        asyncio.run(execute(url, "UPDATE alembic_version SET version_num = 'of_the_future'"))
        for command in ("serve", "migrate"):
            ended = self.run_command(command, DATABASE_URL=url, SECRET_KEY="x" * 40)
            self.assert_refused(ended, "newer version", "of_the_future")

    def test_wrong_settings_are_named(self) -> None:
        for name, value in (
            ("TIMEZONE", "Mars/Olympus"),
            ("CURRENCY", "GOLD"),
            ("COOKIE_SECURE", "perhaps"),
            ("SECRET_KEY", "x" * 31),
        ):
            self.assert_refused(self.run_command("serve", **{name: value}), name)

    def test_a_short_secret_key_is_refused_with_the_way_to_a_better_one(self) -> None:
        for command in ("serve", "demo", "migrate"):
            ended = self.run_command(command, SECRET_KEY="short")
            self.assert_refused(ended, "SECRET_KEY", "32", "openssl rand")


class Migrate(CommandLineTestCase):
    def test_an_empty_database_is_brought_up_to_date(self) -> None:
        self.assertIn("up to date", self.run_command("migrate").stdout)
        self.assertIn("up to date", self.run_command("migrate").stdout)

    def test_a_percent_sign_in_the_address_does_no_harm(self) -> None:
        url = new_database().replace("test_", "%74est_")
        ended = self.run_command("migrate", DATABASE_URL=url)
        self.assertEqual(ended.status, 0, ended.stderr)


class CreateEmployer(CommandLineTestCase):
    def test_an_employer_can_log_in_afterwards(self) -> None:
        url = new_database()
        typed = f"Dana\n{PASSWORD}"
        settings = {"DATABASE_URL": url, "EMPLOYER_CODE": "open sesame"}
        ended = self.run_command("create-employer", "dana@contoso.example", typed=typed, **settings)
        self.assertEqual(ended.status, 0, ended.stderr)
        rows = asyncio.run(execute(url, "SELECT email, username, role FROM users"))
        self.assertEqual(rows, [("dana@contoso.example", "Dana", "employer")])
        events = asyncio.run(execute(url, "SELECT action FROM events"))
        self.assertEqual(events, [("user.registered",)])
        ended = self.run_command("create-employer", "DANA@contoso.example", typed=typed, **settings)
        self.assert_refused(ended, "already registered")

    def test_wrong_input_is_named(self) -> None:
        url = new_database()
        for email, name, password, word in (
            ("dana", "Dana", PASSWORD, "email"),
            ("dana@contoso.example", "Dana", "password1", "password"),
        ):
            ended = self.run_command(
                "create-employer",
                email,
                typed=f"{name}\n{password}",
                DATABASE_URL=url,
            )
            self.assert_refused(ended, word)
        self.assertEqual(asyncio.run(execute(url, "SELECT id FROM users")), [])


class Invite(CommandLineTestCase):
    def test_a_link_is_printed_for_the_first_employer(self) -> None:
        url = new_database()
        settings = {
            "DATABASE_URL": url,
            "SECRET_KEY": "x" * 40,
            "PUBLIC_URL": "https://expenses.example",
        }
        ended = self.run_command("invite", "dana@contoso.example", "--role", "employer", **settings)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertRegex(ended.stdout, r"^https://expenses\.example/invited\?token=\S+$")
        rows = asyncio.run(execute(url, "SELECT email, role, invited_by_id FROM invitations"))
        self.assertEqual(rows, [("dana@contoso.example", "employer", None)])
        ended = self.run_command("invite", "DANA@contoso.example", **settings)
        self.assert_refused(ended, "DANA@contoso.example is already invited")
        self.assert_refused(self.run_command("invite", "dana", **settings), "email")


class ResetPassword(CommandLineTestCase):
    def test_a_link_is_printed_for_an_employer_too(self) -> None:
        url = new_database()
        settings = {
            "DATABASE_URL": url,
            "SECRET_KEY": "x" * 40,
            "PUBLIC_URL": "https://desk.contoso.example",
        }
        typed = f"Dana\n{PASSWORD}"
        self.run_command("create-employer", "dana@contoso.example", typed=typed, **settings)
        ended = self.run_command("reset-password", "DANA@contoso.example", **settings)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertRegex(ended.stdout, r"^https://desk\.contoso\.example/reset\?token=\S+\n$")
        events = asyncio.run(execute(url, "SELECT action FROM events ORDER BY id"))
        self.assertEqual(events, [("user.registered",), ("user.reset_link_made",)])
        ended = self.run_command("reset-password", "nobody@contoso.example", **settings)
        self.assert_refused(ended, "nobody@contoso.example")

    def test_an_account_is_unlinked(self) -> None:
        url = new_database()
        typed = f"Dana\n{PASSWORD}"
        self.run_command("create-employer", "dana@contoso.example", typed=typed, DATABASE_URL=url)
        link = "(issuer, subject, user_id) SELECT 'https://issuer.example', '1', id"
        asyncio.run(execute(url, f"INSERT INTO linked_accounts {link} FROM users RETURNING 1"))
        ended = self.run_command("unlink", "DANA@contoso.example", DATABASE_URL=url)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertEqual(asyncio.run(execute(url, "SELECT user_id FROM linked_accounts")), [])
        for email, why in (("dana", "has never logged in"), ("nobody", "No account uses")):
            ended = self.run_command("unlink", f"{email}@contoso.example", DATABASE_URL=url)
            self.assert_refused(ended, why)
        events = asyncio.run(execute(url, "SELECT action FROM events ORDER BY id"))
        self.assertEqual(events, [("user.registered",), ("user.unlinked",)])

    def test_a_second_factor_is_taken_away(self) -> None:
        url = new_database()
        settings = {"DATABASE_URL": url, "SMTP_URL": "smtp://localhost"}
        typed = f"Dana\n{PASSWORD}"
        self.run_command("create-employer", "dana@contoso.example", typed=typed, **settings)
        passkey = (
            "(user_id, credential_id, public_key, sign_count, name) SELECT id, '1', '', 0, 'x'"
        )
        asyncio.run(execute(url, f"INSERT INTO passkeys {passkey} FROM users RETURNING id"))
        ended = self.run_command("reset-second-factor", "DANA@contoso.example", **settings)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertEqual(asyncio.run(execute(url, "SELECT id FROM passkeys")), [])
        for query in (
            "SELECT action FROM events WHERE action <> 'user.registered'",
            "SELECT action FROM outbox",
        ):
            rows = asyncio.run(execute(url, query))
            self.assertEqual(rows, [("user.second_factor_reset",)])
        ended = self.run_command("reset-second-factor", "nobody@contoso.example", **settings)
        self.assert_refused(ended, "No account uses this e-mail yet.")

    def test_it_needs_the_key_that_signs_the_link(self) -> None:
        ended = self.run_command(
            "reset-password", "dana@contoso.example", DATABASE_URL=new_database()
        )
        self.assert_refused(ended, "SECRET_KEY")


class Erase(CommandLineTestCase):
    def test_a_suspended_employee_is_erased_once_the_e_mail_is_typed_again(self) -> None:
        url = self.new_demo_company()
        hook = {"WEBHOOK_URL": "http://hook.example", "WEBHOOK_SECRET": "x" * 40}
        settings = {"DATABASE_URL": url} | hook
        email = "viktor@contoso.example"
        for refused, typed, word in (
            (["viktor@contoso.example"], "victor@contoso.example", "differ"),
            (["nobody@contoso.example", "--yes"], "", "No account uses"),
            (["dana@contoso.example", "--yes"], "", "not suspended"),
            (["niall@contoso.example", "--yes"], "", "not suspended"),
        ):
            ended = self.run_command("erase", *refused, typed=typed, **settings)
            self.assert_refused(ended, word)
        before = asyncio.run(execute(url, "SELECT count(*) FROM events"))
        ended = self.run_command("erase", email, typed=email, **settings)
        self.assertEqual(ended.status, 0, ended.stderr)
        [[number, name]] = asyncio.run(
            execute(url, "SELECT id, username FROM users WHERE erased_at IS NOT NULL")
        )
        self.assertEqual(name, f"former employee {number}")
        self.assertIn(name, ended.stdout)
        events = "SELECT action, actor_id, user_id FROM events ORDER BY id OFFSET {}"
        added = asyncio.run(execute(url, events.format(before[0][0])))
        self.assertEqual(added, [("user.erased", number, number)])
        posts = asyncio.run(execute(url, "SELECT action, channel, user_id FROM outbox"))
        self.assertEqual(posts, [("user.erased", "webhook", number)])


class Employers(CommandLineTestCase):
    def test_roles_change_and_employers_leave_but_for_the_last(self) -> None:
        url = new_database()
        for name in ("dana", "priya"):
            email, typed = f"{name}@contoso.example", f"{name.title()}\n{PASSWORD}"
            self.run_command("create-employer", email, typed=typed, DATABASE_URL=url)
        for command, said in (
            (("set-role", "PRIYA@contoso.example", "employee"), "Priya is an employee now"),
            (("set-role", "dana@contoso.example", "employee"), "last active employer"),
            (("deactivate", "dana@contoso.example"), "last active employer"),
            (("deactivate", "priya@contoso.example"), "Priya is an employee"),
            (("set-role", "priya@contoso.example", "employer"), "Priya is an employer now"),
            (("deactivate", "dana@contoso.example"), "Dana is deactivated"),
            (("activate", "dana@contoso.example"), "Dana can log in again"),
            (("activate", "nobody@contoso.example"), "No account uses this e-mail"),
        ):
            with self.subTest(command=command):
                ended = self.run_command(*command, DATABASE_URL=url)
                self.assertIn(said, ended.stdout + ended.stderr)
        rows = asyncio.run(
            execute(url, "SELECT action, details ->> 'by_command' FROM events ORDER BY id")
        )
        self.assertEqual(
            rows[2:],
            [
                ("user.role_changed", "true"),
                ("user.role_changed", "true"),
                ("user.deactivated", "true"),
                ("user.activated", "true"),
            ],
        )


class Seed(CommandLineTestCase):
    def test_seeding_twice_changes_nothing(self) -> None:
        url = new_database()
        tables = ("users", "tickets", "receipts", "events")
        ended = self.run_command("seed", DATABASE_URL=url)
        self.assertEqual(ended.status, 0, ended.stderr)
        rows = [asyncio.run(execute(url, f"SELECT * FROM {name}")) for name in tables]
        self.assertTrue(all(rows))
        ended = self.run_command("seed", DATABASE_URL=url)
        self.assertIn("already", ended.stdout)
        again = [asyncio.run(execute(url, f"SELECT * FROM {name}")) for name in tables]
        self.assertEqual(rows, again)

    def test_the_company_is_as_the_readme_says(self) -> None:
        url = self.new_demo_company()
        people = dict(asyncio.run(execute(url, "SELECT role, count(*) FROM users GROUP BY role")))
        self.assertEqual(people, {"employer": 2, "employee": 8})
        for column, values in (("status", 4), ("category", 7)):
            rows = asyncio.run(execute(url, f"SELECT DISTINCT {column} FROM tickets"))
            self.assertEqual(len(rows), values)
        [(events,)] = asyncio.run(
            execute(
                url,
                "SELECT count(*) FROM tickets JOIN events ON ticket_id = tickets.id"
                " AND action = 'ticket.created' AND events.at = tickets.created_at",
            )
        )
        [(tickets,)] = asyncio.run(execute(url, "SELECT count(*) FROM tickets"))
        self.assertEqual(events, tickets)
        self.assertGreaterEqual(tickets, 115)

    def test_three_months_of_payment_runs_are_as_if_employers_had_made_them(self) -> None:
        url = self.new_demo_company()

        async def rows(query: str) -> list[Any]:
            return await execute(url, query)

        self.assertEqual(asyncio.run(inconsistencies(rows)), [])
        runs = asyncio.run(rows("SELECT status, count(*) FROM payment_runs GROUP BY status"))
        self.assertEqual(dict(runs), {"paid": 9, "voided": 1, "draft": 1})
        unnamed = "SELECT number FROM payment_runs WHERE paid_on IS NOT NULL AND reference IS NULL"
        self.assertEqual(asyncio.run(rows(unnamed)), [])
        out_of_order = """
            SELECT number FROM payment_runs JOIN payment_lines ON run_id = payment_runs.id
            JOIN tickets ON tickets.id = ticket_id
            WHERE payment_runs.created_at > confirmed_at OR confirmed_at > payment_lines.paid_at
                OR decided_at > payment_runs.created_at OR paid_on <> payment_lines.paid_at::date
        """
        self.assertEqual(asyncio.run(rows(out_of_order)), [])
        due = "SELECT count(*) FROM tickets WHERE status = 'approved' AND paid_at IS NULL"
        self.assertGreater(asyncio.run(rows(due))[0][0], 2)

    def test_receipts_are_those_of_their_tickets_but_for_one_that_differs(self) -> None:
        url = self.new_demo_company()
        of_tickets = "receipts JOIN tickets ON tickets.id = ticket_id"
        readers = asyncio.run(execute(url, f"SELECT kind, invoice_reader FROM {of_tickets}"))
        expected = [("pdf", "factur-x"), ("pdf", "epc"), ("xml", "ubl"), ("jpeg", None)]
        self.assertCountEqual(readers, [*expected, *[("pdf", "fapiao"), ("pdf", None)] * 2])
        for column, field, differing in (
            ("amount", "amount", [("620.00", "602.00")]),
            ("currency", "currency", []),
            ("spent_on", "date", []),
        ):
            rows = asyncio.run(
                execute(
                    url,
                    f"SELECT {column}::text, invoice_{field}::text FROM {of_tickets}"
                    f" WHERE {column} <> invoice_{field}",
                )
            )
            self.assertEqual(rows, differing)
        twice = "SELECT sha256 FROM receipts GROUP BY sha256 HAVING count(*) > 1"
        self.assertEqual(len(asyncio.run(execute(url, twice))), 1)
        [(added,)] = asyncio.run(
            execute(
                url,
                f"SELECT count(*) FROM {of_tickets} JOIN events ON events.ticket_id = tickets.id"
                " WHERE action = 'ticket.receipt_added' AND events.at = receipts.added_at"
                " AND details->>'sha256' = sha256 AND receipts.added_at = tickets.created_at",
            )
        )
        self.assertEqual(added, len(readers))
        files = {file.parent.name for file in self.data_dir.glob("receipts/*/*/original")}
        names = {sha256 for (sha256,) in asyncio.run(execute(url, "SELECT sha256 FROM receipts"))}
        self.assertEqual(files, names)

    def test_a_database_with_other_users_is_refused(self) -> None:
        url = new_database()
        asyncio.run(
            execute(
                url,
                "INSERT INTO users (email, username, role, password_hash)"
                " VALUES ('x@y.example', 'X', 'employee', '-')",
            )
        )
        self.assert_refused(self.run_command("seed", DATABASE_URL=url), "other")
        self.assertEqual(asyncio.run(execute(url, "SELECT id FROM tickets")), [])


class Recount(CommandLineTestCase):
    def test_what_was_written_past_the_triggers_is_added_up(self) -> None:
        url = self.new_demo_company()

        async def rows(query: str) -> list[Any]:
            return await execute(url, query)

        for statement in (
            "ALTER TABLE tickets DISABLE TRIGGER USER",
            "UPDATE tickets SET amount = amount + 1 WHERE status = 'approved' AND paid_at IS NULL",
            "ALTER TABLE tickets ENABLE TRIGGER USER",
        ):
            asyncio.run(rows(statement))
        wrong = asyncio.run(inconsistencies(rows))
        self.assertTrue([each for each in wrong if each.startswith("The sum of what is due")])
        ended = self.run_command("recount", DATABASE_URL=url)
        self.assertEqual(ended.status, 0, ended.stderr)
        left = [each for each in asyncio.run(inconsistencies(rows)) if "The sum of" in each]
        self.assertEqual(left, [])


class Help(CommandLineTestCase):
    def test_every_command_is_explained(self) -> None:
        printed = self.run_command("--help").stdout
        commands = ("demo", "serve", "migrate", "seed", "create-employer")
        for command in (*commands, "backup", "restore", "grant", "distribute", "doctor"):
            self.assertIn(command, printed)
            self.assertEqual(self.run_command(command, "--help").status, 0)

    def test_it_loads_nothing_that_only_the_application_needs(self) -> None:
        asked = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "expenses", "--help"],
            capture_output=True,
            text=True,
            check=True,
        )
        loaded = {line.rpartition("|")[2].strip() for line in asked.stderr.splitlines()}
        self.assertIn("typer", loaded)
        self.assertEqual(loaded & {"fastapi", "pydantic", "sqlalchemy", "expenses.settings"}, set())
