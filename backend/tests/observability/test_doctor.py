"""`expenses doctor`, on real databases that are in order or are not."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine import make_url

from expenses.database.embedded import running
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
from tests.receipts.s3_server import S3Server

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
PLAIN_HTTP = {"PUBLIC_URL": "http://expenses.contoso.example"}
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

    def assert_found(self, ended: Ended, level: str, *words: str) -> None:
        """One line of this level has all these words."""
        found = [
            line
            for line in ended.stdout.splitlines()
            if line.startswith(f"{level:8} ") and all(word in line for word in words)
        ]
        self.assertEqual(len(found), 1, f"{words} in {ended.stdout}")

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
        for words in (
            ("SECRET_KEY", "hard to guess"),
            ("EMPLOYER_CODE", "hard to guess"),
            ("ALLOWED_HOSTS", "expenses.contoso.example"),
            ("COOKIE_SECURE", "true"),
            ("TRUSTED_PROXIES", "10.0.0.0/8"),
            ("SMTP_URL", "no e-mails"),
            (f"answers the role {self.role}", "PostgreSQL 18"),
            ("UTF8",),
            ("DATABASE_POOLER", "not set"),
            ("migrations", "up to date"),
            (f"role {self.role}", "exactly"),
            ("may open 20 connections",),
            ("Receipts are kept in", "which the server creates"),
        ):
            with self.subTest(words=words):
                self.assert_found(ended, "ok", *words)

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
            "lacks INSERT on events, UPDATE on tickets, USAGE on users_id_seq.",
            f"`expenses grant {self.role}`",
        )
        self.run_command("grant", self.role, DATABASE_URL=self.owner_url)
        self.assert_no_problem(self.examine(DATABASE_URL=self.url))

    def test_a_role_without_any_right_is_not_told_to_migrate(self) -> None:
        stranger = new_role()
        ended = self.examine(DATABASE_URL=as_role(stranger, self.url))
        self.assert_found(ended, "problem", "may not use", "`expenses grant ROLE`")
        self.assertNotIn("migrate", ended.stdout)

    def test_the_owner_and_a_superuser_are_warned(self) -> None:
        ended = self.examine(DATABASE_URL=self.owner_url)
        self.assert_no_problem(ended)
        self.assert_found(ended, "warning", "owns the tables", "`expenses grant ROLE`")
        ended = self.examine(DATABASE_URL=as_role(new_role("SUPERUSER"), self.url))
        self.assert_no_problem(ended)
        self.assert_found(ended, "warning", "superuser", "`expenses grant ROLE`")

    def test_a_role_that_may_change_the_history_is_warned(self) -> None:
        asyncio.run(execute(self.owner_url, f"GRANT DELETE ON events TO {self.role}"))
        ended = self.examine(DATABASE_URL=self.url)
        self.assert_no_problem(ended)
        self.assert_found(ended, "warning", "history", f"`expenses grant {self.role}`")

    def test_more_processes_than_the_database_has_connections_for(self) -> None:
        # Of 200, three are kept for superusers.
        ended = self.examine("--workers", "9", DATABASE_URL=self.url)
        self.assert_found(ended, "ok", "180", "197")
        ended = self.examine("--workers", "10", DATABASE_URL=self.url)
        self.assert_found(ended, "problem", "200", "197", "9 or fewer processes")

    def test_a_database_in_another_encoding(self) -> None:
        url = empty_database(
            owner=f"{self.owner} ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc"
            " TEMPLATE template0"
        )
        ended = self.examine(DATABASE_URL=as_role(self.owner, url))
        self.assert_found(ended, "problem", "LATIN1", "ENCODING 'UTF8'")


class Migrations(DoctorTestCase):
    def test_never_run_are_told_and_not_run(self) -> None:
        url = empty_database(owner=new_role())
        before = self.things(url)
        ended = self.examine(DATABASE_URL=url)
        self.assert_found(ended, "problem", "Migrations are missing", "`expenses migrate`")
        self.assertEqual((before, self.things(url)), ([], []))
        self.assertEqual(asyncio.run(execute(url, "SELECT extname FROM pg_extension")), PLAIN)

    def test_behind_and_ahead_are_told_and_nothing_is_written(self) -> None:
        url = new_database()
        with one_more_migration():
            self.assert_told(url, "Migrations are missing", "`expenses migrate`")
        asyncio.run(execute(url, "UPDATE alembic_version SET version_num = 'of_the_future'"))
        self.assert_told(url, "of_the_future", "newer version", "Start that version")

    def assert_told(self, url: str, *words: str) -> None:
        # A row that was written, even to the same, has another xmin.
        note = "SELECT version_num, xmin::text FROM alembic_version"
        before = self.things(url), asyncio.run(execute(url, note))
        ended = self.examine(DATABASE_URL=url)
        self.assert_found(ended, "problem", *words)
        self.assertEqual((self.things(url), asyncio.run(execute(url, note))), before)


class WithoutAConnection(DoctorTestCase):
    def test_the_reason_is_told_in_plain_words(self) -> None:
        port = free_port()
        for url, *words in (
            (f"postgresql://ann:{HIDDEN}@127.0.0.1:{port}/x", f"127.0.0.1:{port}", "is listening"),
            (f"postgresql://ann:{HIDDEN}@localhost:{port}/x", f"localhost:{port}", "is listening"),
            (f"postgresql://ann:{HIDDEN}@no-such-host.invalid/x", "cannot be resolved"),
            (f"postgresql://ann:{HIDDEN}@/x?host=/nowhere/at/all", "socket in /nowhere/at/all"),
            (server().url("no_such_database"), '"no_such_database"', "CREATE DATABASE"),
            (as_role("nobody_at_all", new_database()), "nobody_at_all", "DATABASE_URL"),
        ):
            with self.subTest(url=url):
                ended = self.examine(DATABASE_URL=url)
                self.assert_found(ended, "problem", "The database at", *words)
                self.assertNotIn("migrations", ended.stdout)

    def test_what_is_no_address_is_told_without_repeating_it(self) -> None:
        for url in (f"mysql://root:{HIDDEN}@h/x", HIDDEN, f"postgresql://a:{HIDDEN}@h:port/x"):
            ended = self.examine(DATABASE_URL=url)
            self.assert_found(ended, "problem", "DATABASE_URL", "postgresql://user:password@")

    def test_an_option_that_is_not_known_is_told(self) -> None:
        for option, words in (
            ("pool=5", "an option that is not known"),
            ("sslmode=perhaps", "`sslmode` parameter must be one of"),
            (f"{HIDDEN}={HIDDEN}", "an option that is not known"),
        ):
            with self.subTest(option=option):
                url = f"postgresql://ann:{HIDDEN}@127.0.0.1:1/x?{option}"
                ended = self.examine(DATABASE_URL=url)
                self.assert_found(ended, "problem", words)

    def test_a_role_that_is_not_let_in_is_told(self) -> None:
        crowded = as_role(new_role("CONNECTION LIMIT 0"), new_database())
        self.assert_found(
            self.examine(DATABASE_URL=crowded), "problem", "too many connections", "raise the limit"
        )
        url, role = new_database(), new_role()
        name = make_url(url).database
        asyncio.run(execute(url, f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"))
        ended = self.examine(DATABASE_URL=as_role(role, url))
        self.assert_found(
            ended, "problem", "permission denied for database", "`expenses grant ROLE`"
        )

    def test_a_wrong_password_is_told(self) -> None:
        role = new_role(f"PASSWORD '{PASSWORD}'")
        with asked_for_a_password(role):
            for password, state, words in (
                (HIDDEN, "problem", f'password authentication failed for user "{role}"'),
                (PASSWORD, "ok", f"answers the role {role}"),
            ):
                url = make_url(server().url("postgres")).set(username=role, password=password)
                ended = self.examine(DATABASE_URL=url.render_as_string(hide_password=False))
                self.assert_found(ended, state, words)

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
            self.assert_found(ended, "problem", f"The {part}", "does not answer within")


class BehindAPooler(DoctorTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.direct = new_database()
        self.behind = through(self.enterContext(pgbouncer()), self.direct)

    def test_it_looks_through_it(self) -> None:
        ended = self.examine(DATABASE_URL=self.behind, DATABASE_POOLER="transaction")
        self.assert_no_problem(ended)
        self.assert_found(ended, "ok", "DATABASE_POOLER is set, which is right")
        self.assert_found(ended, "ok", "migrations", "up to date")
        self.assert_found(ended, "ok", "max_client_conn")

    def test_a_database_that_the_pooler_does_not_find_is_told(self) -> None:
        nowhere = str(make_url(self.behind).set(database="no_such_database"))
        ended = self.examine(DATABASE_URL=nowhere, DATABASE_POOLER="transaction")
        self.assert_found(ended, "problem", "no_such_database")

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
        self.assert_found(ended, "problem", "does not offer TLS", "sslmode")


class WithoutDatabaseUrl(DoctorTestCase):
    def test_the_folder_is_looked_at_and_not_made(self) -> None:
        ended = self.examine()
        self.assert_no_problem(ended)
        self.assert_found(ended, "ok", "DATABASE_URL is not set", str(self.data_dir))
        self.assertFalse(self.data_dir.exists())

    def test_a_server_that_runs_is_looked_at_and_one_that_does_not_is_left_alone(self) -> None:
        with running(self.data_dir, durable=False):
            ended = self.examine()
            self.assert_found(ended, "problem", "Migrations are missing")
            self.assert_found(ended, "ok", "PostgreSQL 18")
        ended = self.examine()
        self.assert_no_problem(ended)
        self.assert_found(ended, "ok", "only while it is running")
        self.assertFalse(self.has_postgres())


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
        for variables, level, *words in (
            ({"SECRET_KEY": "secret" * 10}, "problem", "SECRET_KEY can be guessed", "openssl rand"),
            ({"SECRET_KEY": ""}, "ok", "SECRET_KEY", str(self.data_dir)),
            ({"EMPLOYER_CODE": "letmein"}, "warning", "EMPLOYER_CODE", "longer code"),
            ({"EMPLOYER_CODE": ""}, "warning", "EMPLOYER_CODE", "anyone can register"),
            ({"ALLOWED_HOSTS": "other.example"}, "problem", "ALLOWED_HOSTS", "Add expenses."),
            ({"ALLOWED_HOSTS": "*.contoso.example"}, "ok", "ALLOWED_HOSTS", "*.contoso"),
            ({"ALLOWED_HOSTS": "*"}, "warning", "ALLOWED_HOSTS", "names of your site"),
            ({"COOKIE_SECURE": "false"}, "warning", "Set COOKIE_SECURE=true"),
            ({"TRUSTED_PROXIES": ""}, "warning", "TRUSTED_PROXIES", "address of that proxy"),
            (PLAIN_HTTP, "problem", "COOKIE_SECURE", "nobody can log in"),
            (PLAIN_HTTP | {"COOKIE_SECURE": "false"}, "warning", "passwords are sent unencrypted"),
        ):
            with self.subTest(variables=variables):
                self.assert_found(self.examine(**variables), level, *words)

    def test_a_database_of_ones_own_needs_a_secret_key(self) -> None:
        ended = self.examine(DATABASE_URL=new_database(), SECRET_KEY="")
        self.assert_found(ended, "problem", "SECRET_KEY", "does not start", "openssl rand")

    def test_what_cannot_be_read_is_refused_as_by_every_command(self) -> None:
        url = f"http://ann:{HIDDEN}@host"
        ended = self.run_command("doctor", TIMEZONE="Mars/Olympus", SMTP_URL=url)
        self.assertEqual((ended.status, ended.stdout), (1, ""))
        for words in ("expenses: A setting is not usable.", "TIMEZONE: ", "SMTP_URL: "):
            self.assertIn(words, ended.stderr)
        self.assertNotIn(HIDDEN, ended.stderr)


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


class TheStorageOfReceipts(DoctorTestCase):
    def look(self, *arguments: str, **variables: str) -> Ended:
        return self.examine(*arguments, DATABASE_URL=new_database(), **variables)

    def test_a_folder_is_tried_out_and_left_as_it_was(self) -> None:
        folder = self.data_dir / "receipts"
        folder.mkdir(parents=True)
        for place in ({}, {"STORAGE_URL": folder.as_uri()}):
            ended = self.look("--workers", "2", **place)
            words = ("Receipts are kept in", "written, read and deleted", "this same folder")
            self.assert_found(ended, "ok", *words)
            self.assertEqual(list(folder.iterdir()), [])

    def test_a_folder_that_cannot_be_written_to_is_a_problem(self) -> None:
        (self.data_dir / "receipts").mkdir(parents=True)
        with patch("obstore.put_async", side_effect=PermissionError(13, "Permission denied")):
            ended = self.look()
        self.assert_found(ended, "problem", "storage of receipts", "user write there", "DATA_DIR")

    def test_a_service_is_tried_out(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            s3 = S3Server(Path(folder))
            self.addCleanup(s3.close)
            keys = s3.variables | {"AWS_SECRET_ACCESS_KEY": HIDDEN}
            self.assert_found(self.look(**keys), "ok", "s3://receipts/company", "deleted")
            self.assertEqual(s3.names(), [])
            ended = self.look(**keys | {"STORAGE_URL": "s3://no-such-bucket"})
            self.assert_found(ended, "problem", "s3://no-such-bucket", "no such bucket")
            s3.kill()
            ended = self.look(**keys)
            self.assert_found(ended, "problem", "s3://receipts", "AWS_ENDPOINT_URL")
