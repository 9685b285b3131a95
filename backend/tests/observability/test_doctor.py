"""`expenses doctor`, on real databases that are in order or are not."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from time import monotonic, sleep, time
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine import make_url

from expenses.database import migrations
from expenses.database.embedded import running
from expenses.settings import Settings, read_usable_settings
from tests.command_line import CommandLineTestCase, Ended, execute, free_port
from tests.harness import (
    PASSWORD,
    as_role,
    empty_database,
    new_database,
    new_role,
    one_more_migration,
    server,
)
from tests.pgbouncer import pgbouncer, through

HIDDEN = "hidden-Sesame-77"
HEALTHY = {
    "SECRET_KEY": f"{HIDDEN}k3Vt9qLw2ZxP7rBnY5mC8dJfH1sG4aQe",
    "EMPLOYER_CODE": f"{HIDDEN}-code",
    "PUBLIC_URL": "https://expenses.contoso.example",
    "ALLOWED_HOSTS": "expenses.contoso.example",
    "COOKIE_SECURE": "true",
    "TRUSTED_PROXIES": "10.0.0.0/8",
    # Whatever the machine of the tests goes through to the world, it is not for 127.0.0.1.
    "NO_PROXY": "*",
}
PLAIN = [("plpgsql",)]
# What is there, whose, and who may use it.
THINGS = """
SELECT relname, relowner::regrole::text, relacl::text, relfilenode,
    (SELECT count(*) FROM pg_extension)
FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname
"""


class DoctorTestCase(CommandLineTestCase):
    def examine(self, *arguments: str, **variables: str) -> Ended:
        """Whatever is found, it is found without a traceback, and no secret is told."""
        ended = self.run_command("doctor", *arguments, **(HEALTHY | variables))
        self.assertNotIn("Traceback", ended.stderr)
        self.assertEqual(ended.stderr, "")
        self.assertNotIn(HIDDEN, ended.stdout)
        self.assertEqual(ended.status, 1 if "\nproblem" in f"\n{ended.stdout}" else 0)
        return ended

    def assert_found(self, ended: Ended, state: str, subject: str, *words: str) -> None:
        """One line, and below it the remedy where there is something to mend."""
        lines = ended.stdout.splitlines()
        found = [
            (line, below)
            for line, below in zip(lines, [*lines[1:], ""], strict=True)
            if line.startswith(f"{state:8} {subject}: ")
        ]
        self.assertEqual(len(found), 1, ended.stdout)
        [(line, below)] = found
        self.assertEqual(below.startswith("         -> "), state != "ok")
        for word in words:
            self.assertIn(word, f"{line}\n{below}" if state != "ok" else line)

    def assert_no_problem(self, ended: Ended) -> None:
        self.assertEqual(ended.status, 0, ended.stdout)
        self.assertIn("Problems: 0.", ended.stdout)

    def things(self, url: str) -> list[tuple[Any, ...]]:
        return asyncio.run(execute(url, THINGS))


class OnADatabaseWithTwoRoles(DoctorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.owner, self.role = new_role(), new_role()
        self.owner_url = empty_database(owner=self.owner)
        granted = self.run_command("grant", self.role, DATABASE_URL=self.owner_url)
        self.assertEqual(granted.status, 0, granted.stderr)
        self.url = as_role(self.role, self.owner_url)

    def test_all_is_well(self) -> None:
        ended = self.examine(DATABASE_URL=self.url)
        self.assertIn("Problems: 0. Warnings: 0.", ended.stdout)
        for subject, word in {
            "settings": "read",
            "SECRET_KEY": "set",
            "EMPLOYER_CODE": "code",
            "ALLOWED_HOSTS": "expenses.contoso.example",
            "COOKIE_SECURE": "https",
            "database": f"answers the role {self.role}",
            "version": "PostgreSQL 18",
            "encoding": "UTF8",
            "pg_trgm": "is installed",
            "migrations": "up to date",
            "rights": "exactly",
            "clock": "agree",
            "connections": "1 server process may open 20 connections",
        }.items():
            with self.subTest(subject=subject):
                self.assert_found(ended, "ok", subject, word)

    def test_a_role_without_a_right_is_told_which(self) -> None:
        for statement in (
            f"REVOKE UPDATE ON tickets FROM {self.role}",
            f"REVOKE INSERT ON events FROM {self.role}",
            f"REVOKE USAGE ON SEQUENCE users_id_seq FROM {self.role}",
        ):
            asyncio.run(execute(self.owner_url, statement))
        ended = self.examine(DATABASE_URL=self.url)
        self.assert_found(
            ended,
            "problem",
            "rights",
            "lacks INSERT on events, UPDATE on tickets, USAGE on users_id_seq.",
            f"`expenses grant {self.role}`",
        )
        self.run_command("grant", self.role, DATABASE_URL=self.owner_url)
        self.assert_no_problem(self.examine(DATABASE_URL=self.url))

    def test_a_role_without_any_right_is_not_told_to_migrate(self) -> None:
        stranger = new_role()
        ended = self.examine(DATABASE_URL=as_role(stranger, self.url))
        self.assert_found(ended, "problem", "rights", f"`expenses grant {stranger}`")
        superuser_url = as_role("postgres", self.url)
        asyncio.run(execute(superuser_url, "REVOKE USAGE ON SCHEMA public FROM PUBLIC"))
        ended = self.examine(DATABASE_URL=as_role(stranger, self.url))
        self.assert_found(ended, "problem", "rights", f"`expenses grant {stranger}`")
        self.assertNotIn("migrate", ended.stdout)

    def test_the_owner_and_a_superuser_are_warned(self) -> None:
        ended = self.examine(DATABASE_URL=self.owner_url)
        self.assert_no_problem(ended)
        self.assert_found(ended, "warning", "rights", "owns the tables", "`expenses grant ROLE`")
        ended = self.examine(DATABASE_URL=as_role(new_role("SUPERUSER"), self.url))
        self.assert_no_problem(ended)
        self.assert_found(ended, "warning", "rights", "superuser", "`expenses grant ROLE`")

    def test_a_role_that_may_change_the_history_is_warned(self) -> None:
        asyncio.run(execute(self.owner_url, f"GRANT DELETE ON events TO {self.role}"))
        ended = self.examine(DATABASE_URL=self.url)
        self.assert_no_problem(ended)
        self.assert_found(ended, "warning", "rights", "history", f"`expenses grant {self.role}`")

    def test_a_clock_that_is_off_is_told(self) -> None:
        for seconds, state, words in (
            (1, "ok", "agree"),
            (-5, "warning", "5.0 s ahead"),
            (90, "problem", "90.0 s behind"),
        ):
            with (
                self.subTest(seconds=seconds),
                patch(
                    "expenses.observability.doctor.database.now", lambda off=seconds: time() + off
                ),
            ):
                ended = self.examine(DATABASE_URL=self.url)
                self.assert_found(ended, state, "clock", words)

    def test_more_processes_than_the_database_has_connections_for(self) -> None:
        # Of 200, three are kept for superusers.
        ended = self.examine("--workers", "9", DATABASE_URL=self.url)
        self.assert_found(ended, "ok", "connections", "180", "197")
        ended = self.examine("--workers", "10", DATABASE_URL=self.url)
        self.assert_found(ended, "problem", "connections", "200", "197", "9 or fewer processes")
        asyncio.run(
            execute(as_role("postgres", self.url), f"ALTER ROLE {self.role} CONNECTION LIMIT 19")
        )
        ended = self.examine(DATABASE_URL=self.url)
        self.assert_found(ended, "problem", "connections", "20", "19", "CONNECTION LIMIT")

    def test_a_database_in_another_encoding(self) -> None:
        url = empty_database(
            owner=f"{self.owner} ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc"
            " TEMPLATE template0"
        )
        ended = self.examine(DATABASE_URL=as_role(self.owner, url))
        self.assert_found(ended, "problem", "encoding", "LATIN1", "ENCODING 'UTF8'")

    def test_an_old_server_is_told(self) -> None:
        with patch("expenses.observability.doctor.database.OLDEST_VERSION", 19):
            ended = self.examine(DATABASE_URL=self.url)
        self.assert_found(ended, "problem", "version", "PostgreSQL 18", "Upgrade the server")


class Migrations(DoctorTestCase):
    def test_never_run_are_told_and_not_run(self) -> None:
        url = empty_database(owner=new_role())
        before = self.things(url)
        ended = self.examine(DATABASE_URL=url)
        self.assert_found(ended, "problem", "migrations", "never", "`expenses migrate`")
        self.assert_found(ended, "ok", "pg_trgm", "migrations")
        self.assertEqual((before, self.things(url)), ([], []))
        self.assertEqual(asyncio.run(execute(url, "SELECT extname FROM pg_extension")), PLAIN)

    def test_behind_and_ahead_are_told_and_nothing_is_written(self) -> None:
        url = new_database()
        revision = migrations.newest_revision()
        with one_more_migration():
            self.assert_told(url, revision, "older version", "`expenses migrate`")
        asyncio.run(execute(url, "UPDATE alembic_version SET version_num = 'of_the_future'"))
        self.assert_told(url, "of_the_future", "newer version", "Start that version")

    def assert_told(self, url: str, *words: str) -> None:
        # A row that was written, even to the same, has another xmin.
        note = "SELECT version_num, xmin::text FROM alembic_version"
        before = self.things(url), asyncio.run(execute(url, note))
        ended = self.examine(DATABASE_URL=url)
        self.assert_found(ended, "problem", "migrations", *words)
        self.assertEqual((self.things(url), asyncio.run(execute(url, note))), before)

    def test_that_brought_the_extension_and_lost_it_are_told(self) -> None:
        url = new_database()
        asyncio.run(execute(url, "DROP EXTENSION pg_trgm CASCADE"))
        ended = self.examine(DATABASE_URL=url)
        self.assert_found(ended, "problem", "pg_trgm", "CREATE EXTENSION pg_trgm")


class WithoutAConnection(DoctorTestCase):
    def test_the_reason_is_told_in_plain_words(self) -> None:
        port = free_port()
        for url, *words in (
            (
                f"postgresql://ann:{HIDDEN}@127.0.0.1:{port}/x",
                f"nothing is listening at 127.0.0.1:{port}",
            ),
            (
                f"postgresql://ann:{HIDDEN}@localhost:{port}/x",
                f"nothing is listening at localhost:{port}",
            ),
            (f"postgresql://ann:{HIDDEN}@no-such-host.invalid/x", "cannot be resolved"),
            (f"postgresql://ann:{HIDDEN}@/x?host=/nowhere/at/all", "socket in /nowhere/at/all"),
            (server().url("no_such_database"), "no database no_such_database", "CREATE DATABASE"),
            (as_role("nobody_at_all", new_database()), "nobody_at_all"),
        ):
            with self.subTest(url=url):
                ended = self.examine(DATABASE_URL=url)
                self.assert_found(ended, "problem", "database", *words)
                self.assertNotIn("migrations", ended.stdout)

    def test_what_is_no_address_is_told_without_repeating_it(self) -> None:
        for url in (f"mysql://root:{HIDDEN}@h/x", HIDDEN, f"postgresql://a:{HIDDEN}@h:port/x"):
            ended = self.examine(DATABASE_URL=url)
            self.assert_found(ended, "problem", "DATABASE_URL", "postgresql://user:password@")

    def test_an_option_that_is_not_known_is_told(self) -> None:
        for option in ("pool=5", "sslmode=perhaps", f"{HIDDEN}={HIDDEN}"):
            with self.subTest(option=option):
                url = f"postgresql://ann:{HIDDEN}@127.0.0.1:1/x?{option}"
                ended = self.examine(DATABASE_URL=url)
                self.assert_found(ended, "problem", "DATABASE_URL", "option")

    def test_a_role_that_is_not_let_in_is_told(self) -> None:
        crowded = as_role(new_role("CONNECTION LIMIT 0"), new_database())
        self.assert_found(
            self.examine(DATABASE_URL=crowded), "problem", "database", "no connection left"
        )
        url, role = new_database(), new_role()
        name = make_url(url).database
        asyncio.run(execute(url, f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"))
        ended = self.examine(DATABASE_URL=as_role(role, url))
        self.assert_found(ended, "problem", "database", role, f"`expenses grant {role}`")

    def test_a_wrong_password_is_told(self) -> None:
        role = new_role(f"PASSWORD '{PASSWORD}'")
        with asked_for_a_password(role):
            for password, state, words in (
                (HIDDEN, "problem", f"rejects the password of the role {role}"),
                (PASSWORD, "ok", f"answers the role {role}"),
            ):
                url = make_url(server().url("postgres")).set(username=role, password=password)
                ended = self.examine(DATABASE_URL=url.render_as_string(hide_password=False))
                self.assert_found(ended, state, "database", words)

    def test_one_that_never_answers_is_not_waited_for(self) -> None:
        with (
            create_server(("127.0.0.1", 0)) as silent,
            patch("expenses.observability.doctor.SECONDS", 0.5),
        ):
            port = silent.getsockname()[1]
            ended = self.examine(
                DATABASE_URL=f"postgresql://ann:{HIDDEN}@127.0.0.1:{port}/x",
                SMTP_URL=f"smtp://127.0.0.1:{port}",
                WEBHOOK_URL=f"https://127.0.0.1:{port}",
                WEBHOOK_SECRET=HIDDEN * 2,
            )
        for part in ("database", "mail server", "webhook"):
            self.assert_found(ended, "problem", part, "does not answer within")


class BehindAPooler(DoctorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.direct = new_database()
        self.behind = through(self.enterContext(pgbouncer()), self.direct)

    def test_it_looks_through_it(self) -> None:
        ended = self.examine(DATABASE_URL=self.behind, DATABASE_POOLER="transaction")
        self.assert_no_problem(ended)
        self.assert_found(ended, "ok", "DATABASE_POOLER", "is there")
        self.assert_found(ended, "ok", "migrations", "up to date")
        self.assert_found(ended, "ok", "connections", "max_client_conn")

    def test_a_database_that_the_pooler_does_not_find_is_told(self) -> None:
        nowhere = str(make_url(self.behind).set(database="no_such_database"))
        ended = self.examine(DATABASE_URL=nowhere, DATABASE_POOLER="transaction")
        self.assert_found(ended, "problem", "database", "no_such_database")

    def test_a_setting_that_is_missing_is_told(self) -> None:
        ended = self.examine(DATABASE_URL=self.behind)
        self.assert_found(ended, "problem", "DATABASE_POOLER", "DATABASE_POOLER=transaction")
        self.assert_found(ended, "ok", "migrations", "up to date")

    def test_a_setting_without_a_pooler_is_told(self) -> None:
        ended = self.examine(DATABASE_URL=self.direct, DATABASE_POOLER="transaction")
        self.assert_no_problem(ended)
        self.assert_found(ended, "warning", "DATABASE_POOLER", "Remove DATABASE_POOLER")

    def test_a_server_without_tls_is_told(self) -> None:
        ended = self.examine(DATABASE_URL=f"{self.behind}?sslmode=require")
        self.assert_found(ended, "problem", "database", "does not offer TLS", "sslmode")


class WithoutDatabaseUrl(DoctorTestCase):
    def test_the_folder_is_looked_at_and_not_made(self) -> None:
        ended = self.examine()
        self.assert_no_problem(ended)
        self.assert_found(ended, "ok", "database", str(self.data_dir), "created at the first start")
        self.assertFalse(self.data_dir.exists())

    def test_a_folder_that_cannot_be_used_is_told(self) -> None:
        self.data_dir.touch()
        ended = self.examine()
        self.assert_found(ended, "problem", "database", str(self.data_dir), "DATA_DIR")

    def test_a_server_that_runs_is_looked_at_and_one_that_does_not_is_left_alone(self) -> None:
        with running(self.data_dir, durable=False):
            ended = self.examine()
            self.assert_found(ended, "problem", "migrations", "never")
            self.assert_found(ended, "ok", "version", "PostgreSQL 18")
        ended = self.examine()
        self.assert_no_problem(ended)
        self.assert_found(ended, "ok", "database", "is not running")
        self.assertFalse(self.has_postgres())
        (self.data_dir / "postgres" / "PG_VERSION").write_text("12\n")
        self.assert_found(self.examine(), "problem", "database", "PostgreSQL 12", "Back it up")

    def test_a_pooler_makes_no_sense(self) -> None:
        ended = self.examine(DATABASE_POOLER="transaction")
        self.assert_found(ended, "problem", "DATABASE_POOLER", "Remove DATABASE_POOLER")


class AsAProcess(DoctorTestCase):
    def test_it_ends_with_its_status_on_any_terminal(self) -> None:
        for database, status, words in (
            (server().url("no_such_database"), 1, "CREATE DATABASE ? ENCODING"),
            (new_database(), 0, "Problems: 0."),
        ):
            variables = HEALTHY | {"DATABASE_URL": database, "PYTHONIOENCODING": "ascii"}
            with self.subTest(status=status):
                ended = subprocess.run(
                    [sys.executable, "-m", "expenses", "doctor"],
                    env=self.environment(**variables),
                    capture_output=True,
                    text=True,
                )
                self.assertEqual((ended.returncode, ended.stderr), (status, ""))
                self.assertIn(words, ended.stdout)


class SettingsThatDoNotFit(DoctorTestCase):
    def test_each_is_named_with_the_way_out(self) -> None:
        for variables, state, subject, *words in (
            ({"SECRET_KEY": "secret" * 10}, "problem", "SECRET_KEY", "guessed", "openssl rand"),
            (
                {"SECRET_KEY": "k3Vt9qLw2ZxP7rBnY5m" + "7" * 13},
                "warning",
                "SECRET_KEY",
                "openssl rand",
            ),
            ({"SECRET_KEY": "short"}, "problem", "SECRET_KEY", "32", "openssl rand"),
            ({"METRICS_TOKEN": "password" * 3}, "warning", "METRICS_TOKEN", "openssl rand"),
            ({"WEBHOOK_SECRET": "1234567890" * 3}, "warning", "WEBHOOK_SECRET", "guessed"),
            ({"EMPLOYER_CODE": "letmein"}, "warning", "EMPLOYER_CODE", "longer code"),
            ({"SECRET_KEY": ""}, "ok", "SECRET_KEY", "secret_key"),
            ({"EMPLOYER_CODE": ""}, "warning", "EMPLOYER_CODE", "anyone may register"),
            ({"ALLOWED_HOSTS": "other.example"}, "problem", "ALLOWED_HOSTS", "Add expenses."),
            ({"ALLOWED_HOSTS": "*.contoso.example"}, "ok", "ALLOWED_HOSTS", "*.contoso"),
            ({"ALLOWED_HOSTS": "*"}, "warning", "ALLOWED_HOSTS", "names alone"),
            ({"ALLOWED_HOSTS": ","}, "problem", "ALLOWED_HOSTS", "at least 1 item"),
            ({"ALLOWED_HOSTS": "a*b"}, "problem", "ALLOWED_HOSTS", "a*b"),
            (
                {"ALLOWED_HOSTS": "localhost:8000"},
                "problem",
                "ALLOWED_HOSTS",
                "leave out https:// and the port",
            ),
            ({"COOKIE_SECURE": "false"}, "warning", "COOKIE_SECURE", "COOKIE_SECURE=true"),
            ({"TRUSTED_PROXIES": ""}, "warning", "TRUSTED_PROXIES", "address of that proxy"),
            (
                {"PUBLIC_URL": "http://expenses.contoso.example"},
                "problem",
                "COOKIE_SECURE",
                "nobody can log in",
            ),
            (
                {"PUBLIC_URL": "http://expenses.contoso.example", "COOKIE_SECURE": "false"},
                "warning",
                "PUBLIC_URL",
                "passwords are sent unencrypted",
            ),
        ):
            with self.subTest(variables=variables):
                self.assert_found(self.examine(**variables), state, subject, *words)

    def test_a_database_of_ones_own_needs_a_secret_key(self) -> None:
        ended = self.examine(DATABASE_URL=new_database(), SECRET_KEY="")
        self.assert_found(ended, "problem", "SECRET_KEY", "does not start", "openssl rand")

    def test_what_cannot_be_read_is_told_and_the_rest_is_looked_at(self) -> None:
        ended = self.examine(
            DATABASE_URL=new_database(),
            TIMEZONE="Mars/Olympus",
            COOKIE_SECURE="perhaps",
            SMTP_URL=f"http://ann:{HIDDEN}@host",
            WEBHOOK_URL=f"http://127.0.0.1:{free_port()}",
        )
        for variable in ("TIMEZONE", "COOKIE_SECURE", "SMTP_URL", "WEBHOOK_SECRET"):
            self.assert_found(ended, "problem", variable, f"Set {variable}")
        self.assert_found(ended, "ok", "migrations", "up to date")
        self.assert_found(ended, "problem", "webhook", "nothing is listening")

    def test_whatever_a_variable_holds_the_others_can_be_read(self) -> None:
        for name in Settings.model_fields:
            variables = {name.upper(): "\t?", "WEBHOOK_URL": "https://hooks.example"}
            with self.subTest(variable=name), patch.dict(os.environ, variables, clear=True):
                settings, unusable = read_usable_settings()
                self.assertEqual(settings.currency, "USD")
                self.assertLessEqual(
                    {one.variable for one in unusable} - {name.upper()}, {"WEBHOOK_SECRET"}
                )


@contextmanager
def asked_for_a_password(role: str) -> Iterator[None]:
    """Everybody else goes on without one."""
    url = server().url("postgres")
    [(path,)] = asyncio.run(execute(url, "SHOW hba_file"))
    usual = Path(path).read_text()
    try:
        write_rules(Path(path), f"local all {role} scram-sha-256\n{usual}", url)
        yield
    finally:
        write_rules(Path(path), usual, url)


def write_rules(path: Path, rules: str, url: str) -> None:
    path.write_text(rules)
    [(before,)] = asyncio.run(execute(url, "SELECT pg_conf_load_time() FROM pg_reload_conf()"))
    deadline = monotonic() + 10
    while monotonic() < deadline:
        if asyncio.run(execute(url, "SELECT pg_conf_load_time()")) != [(before,)]:
            return
        sleep(0.02)
    raise AssertionError("The rules were not read again.")
