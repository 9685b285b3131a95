"""Everything into one file, and back, as a person types it."""

import asyncio
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from expenses.database import programs
from expenses.database.embedded import binary
from expenses.database.engine import Database
from expenses.errors import CannotBackUp
from tests.command_line import CommandLineTestCase, execute
from tests.harness import (
    as_role,
    empty_database,
    make_settings,
    new_database,
    new_role,
    one_more_migration,
    server,
)

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1"


async def contents(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, and where every sequence is."""
    found = {}
    async with Database(url) as database, database.reading() as connection:
        for table in (await connection.scalars(text(TABLES))).all():
            rows = await connection.execute(text(f'SELECT * FROM "{table}"'))
            found[table] = sorted((tuple(row) for row in rows), key=repr)
        for sequence in (await connection.scalars(text(SEQUENCES))).all():
            rows = await connection.execute(text(f'SELECT last_value, is_called FROM "{sequence}"'))
            found[sequence] = [tuple(row) for row in rows]
    return found


class BackupsTestCase(CommandLineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = self.data_dir.parent / "backups"
        self.folder.mkdir()
        self.file = self.folder / "monday.backup"

    def succeed(self, *arguments: str, **variables: str) -> str:
        ended = self.run_command(*arguments, **variables)
        self.assertEqual(ended.status, 0, ended.stderr)
        return ended.stdout

    def contents(self, url: str) -> dict[str, list[tuple[Any, ...]]]:
        return asyncio.run(contents(url))

    def rows(self, url: str, statement: str) -> list[tuple[Any, ...]]:
        return asyncio.run(execute(url, statement))

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def dump_alone(self) -> bytes:
        """What a backup was before there were receipts."""
        with tarfile.open(self.file) as opened:
            dump = opened.extractfile("database.dump")
            assert dump is not None
            return dump.read()

    def new_backup(self) -> str:
        """Of a database with the demo company in it, whose address it gives."""
        url = self.new_demo_company()
        self.succeed("backup", str(self.file), DATABASE_URL=url)
        return url


class RoundTrip(BackupsTestCase):
    def test_a_server_of_ones_own_and_a_role_without_rights_will_do(self) -> None:
        before = self.contents(self.new_backup())
        owner = new_role()
        target = empty_database(owner=owner)
        # As where the provider of a database has installed it: the owner may not touch it.
        self.rows(as_role("postgres", target), "CREATE EXTENSION pg_trgm")
        self.succeed("restore", str(self.file), DATABASE_URL=target)
        self.assertEqual(self.contents(target), before)
        statement = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        self.assertEqual(self.rows(target, statement), [(owner,)])
        statement = "SELECT count(*) FROM pg_stats WHERE tablename = 'tickets'"
        self.assertNotEqual(self.rows(target, statement), [(0,)])
        # And as that role once more.
        second = self.folder / "second"
        self.succeed("backup", str(second), DATABASE_URL=target)
        another = empty_database(owner=new_role())
        self.succeed("restore", str(second), DATABASE_URL=another)
        self.assertEqual(self.contents(another), before)

    def test_what_is_restored_has_the_tables_and_indexes_of_the_migrations(self) -> None:
        self.new_backup()
        restored, migrated = empty_database(owner=new_role()), new_database()
        self.succeed("restore", str(self.file), DATABASE_URL=restored)
        for statement in (
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
            "SELECT conname, contype::text FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
            "SELECT table_name, column_name, data_type, is_nullable, column_default"
            " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        ):
            expected = self.rows(migrated, statement)
            self.assertTrue(expected)
            self.assertEqual(self.rows(restored, statement), expected)

    def test_roles_and_rights_of_the_old_server_are_not_needed(self) -> None:
        owner, role = new_role(), new_role()
        url = empty_database(owner=owner)
        self.succeed("grant", role, DATABASE_URL=url)
        self.succeed("backup", str(self.file), DATABASE_URL=url)
        target = empty_database(owner=new_role())
        self.succeed("restore", str(self.file), DATABASE_URL=target)
        acl = "SELECT relacl FROM pg_class WHERE relname = 'tickets' AND relacl IS NOT NULL"
        self.assertEqual(len(self.rows(url, acl)), 1)
        self.assertEqual(self.rows(target, acl), [])
        self.assertEqual(self.rows(target, "SELECT oid FROM pg_default_acl"), [])

    def test_a_backup_of_an_older_version_is_brought_up_to_date(self) -> None:
        url = new_database()
        self.rows(
            url,
            "INSERT INTO users (email, username, role, password_hash)"
            " VALUES ('ada@contoso.example', 'Ada', 'employee', '-')",
        )
        self.succeed("backup", str(self.file), DATABASE_URL=url)
        target = empty_database(owner=new_role())
        with one_more_migration() as revision:
            self.succeed("restore", str(self.file), DATABASE_URL=target)
        self.assertEqual(self.rows(target, "SELECT username FROM users"), [("Ada",)])
        found = self.rows(target, "SELECT version_num FROM alembic_version")
        self.assertEqual(found, [(revision,)])


class Refused(BackupsTestCase):
    def test_a_file_that_is_there_is_not_overwritten(self) -> None:
        url = self.new_backup()
        (self.folder / "file").write_text("precious")
        (self.folder / "folder").mkdir()
        (self.folder / "link").symlink_to("nowhere")
        for name in ("file", "folder", "link"):
            path = self.folder / name
            before = self.files()
            refused = self.run_command("backup", str(path), DATABASE_URL=url)
            self.assert_refused(refused, str(path), "there already")
            self.assertEqual(self.files(), before)
        self.assertEqual((self.folder / "file").read_text(), "precious")

    def test_a_place_that_cannot_be_written_to_is_named(self) -> None:
        path = self.folder / "nowhere" / "file"
        refused = self.run_command("backup", str(path), DATABASE_URL=new_database())
        self.assert_refused(refused, str(path), "No such file or directory")

    def test_a_database_that_was_never_migrated_is_not_backed_up(self) -> None:
        url = empty_database(owner="postgres")
        refused = self.run_command("backup", str(self.file), DATABASE_URL=url)
        self.assert_refused(refused, "nothing to back up")
        self.assertEqual(self.files(), [])

    def test_a_role_that_may_not_read_everything_leaves_no_file(self) -> None:
        owner, role = new_role(), new_role()
        url = empty_database(owner=owner)
        self.succeed("grant", role, DATABASE_URL=url)
        refused = self.run_command("backup", str(self.file), DATABASE_URL=as_role(role, url))
        self.assert_refused(refused, str(self.file), "sequence")
        self.assertEqual(self.files(), [])

    def test_a_database_that_is_not_empty_is_left_as_it_is(self) -> None:
        self.new_backup()
        migrated, foreign = new_database(), empty_database(owner=new_role())
        self.rows(foreign, "CREATE TABLE somebodys (id int)")
        for url, word in ((migrated, "alembic_version"), (foreign, "somebodys")):
            before = self.contents(url)
            refused = self.run_command("restore", str(self.file), DATABASE_URL=url)
            self.assert_refused(refused, "not empty", word, "CREATE DATABASE")
            self.assertEqual(self.contents(url), before)
        self.succeed("migrate")
        self.assert_refused(self.run_command("restore", str(self.file)), "not empty", "DATA_DIR")

    def test_what_is_no_backup_is_refused(self) -> None:
        self.new_backup()
        whole, dump = self.file.read_bytes(), self.dump_alone()
        target = empty_database(owner=new_role())
        for name, content in (
            ("empty", b""),
            ("text", b"CREATE TABLE users (id int);\n" * 1000),
            ("noise", os.urandom(5000)),
            ("beginning", whole[:2000]),
            ("half", whole[: len(whole) // 2]),
            ("nearly all", whole[:-1100]),
            ("half a dump", dump[: len(dump) // 2]),
            ("nearly all of a dump", dump[:-100]),
            ("of a newer PostgreSQL", dump[:6] + b"\xff" + dump[7:]),
        ):
            with self.subTest(file=name):
                path = self.folder / name
                path.write_bytes(content)
                refused = self.run_command("restore", str(path), DATABASE_URL=target)
                self.assert_refused(refused, str(path), "not")
                self.assertEqual(self.contents(target), {})
        for path, word in ((self.folder, "is not a file"), (self.folder / "none", "no file")):
            refused = self.run_command("restore", str(path), DATABASE_URL=target)
            self.assert_refused(refused, str(path), word)
        # Before a server is started for it.
        self.assert_refused(self.run_command("restore", str(self.folder / "none")), "no file")
        self.assertFalse((self.data_dir / "postgres").exists())
        self.succeed("restore", str(self.file), DATABASE_URL=target)

    def test_a_damaged_backup_restores_nothing(self) -> None:
        url = self.new_backup()
        content = bytearray(self.dump_alone())
        # Among the rows, which come last.
        content[-2000] ^= 0xFF
        self.file.write_bytes(content)
        target = empty_database(owner=new_role())
        self.assert_refused(
            self.run_command("restore", str(self.file), DATABASE_URL=target), "was not restored"
        )
        self.assertEqual(self.contents(target), {})
        self.assertTrue(self.contents(url)["tickets"])

    def test_a_backup_of_something_else_is_refused(self) -> None:
        url, target = empty_database(owner="postgres"), empty_database(owner=new_role())
        self.rows(url, "CREATE TABLE somebodys (id int)")
        environment = programs.environment_for(url)
        subprocess.run([binary("pg_dump"), "-Fc", "-f", self.file], env=environment, check=True)
        refused = self.run_command("restore", str(self.file), DATABASE_URL=target)
        self.assert_refused(refused, "not a backup of Contoso Expenses")
        self.assertEqual(self.contents(target), {})

    def test_a_backup_of_a_newer_version_is_refused(self) -> None:
        url, target = new_database(), empty_database(owner=new_role())
        self.rows(url, "UPDATE alembic_version SET version_num = 'of_the_future'")
        self.succeed("backup", str(self.file), DATABASE_URL=url)
        refused = self.run_command("restore", str(self.file), DATABASE_URL=target)
        self.assert_refused(refused, "newer version", "of_the_future")
        self.assertEqual(self.contents(target), {})

    def test_a_database_that_cannot_be_used_is_said(self) -> None:
        self.new_backup()
        url = server().url("no_such_database")
        for arguments in (("backup", str(self.folder / "new")), ("restore", str(self.file))):
            refused = self.run_command(*arguments, DATABASE_URL=url)
            self.assert_refused(refused, "DATABASE_URL", "no_such_database")


class Programs(BackupsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.settings = make_settings(database_url="postgresql://somewhere/else")

    def test_the_version_of_the_server_is_looked_for_on_the_path(self) -> None:
        older, right = self.program("older", "15.4"), self.program("right", "97.1 (Debian 97.1-1)")
        path = {"PATH": f"/nowhere:{older.parent}:{right.parent}:{os.environ['PATH']}"}
        with patch.dict(os.environ, path):
            self.assertEqual(self.find(97), right)
            self.assertEqual(self.find(15), older)

    def test_else_the_one_that_comes_along_is_taken_if_it_fits(self) -> None:
        with patch.dict(os.environ, PATH=str(self.program("older", "15.4").parent)):
            self.assertEqual(self.find(18), binary("pg_dump"))
            with self.assertRaisesRegex(CannotBackUp, "postgresql-client-96"):
                self.find(96)

    def test_what_an_address_leaves_out_the_environment_says(self) -> None:
        said = {"PGPORT": "77", "PGPASSWORD": "of another", "PGSERVICE": "x", "LC_ALL": "zh_CN"}
        with patch.dict(os.environ, said):
            found = programs.environment_for("postgresql://ada:b%20c@one,two/db?sslmode=require")
        self.assertEqual((found["PGUSER"], found["PGPASSWORD"]), ("ada", "b c"))
        self.assertEqual((found["PGDATABASE"], found["PGSSLMODE"]), ("db", "require"))
        self.assertEqual(found["PGPORT"], "77")
        self.assertEqual({"PGSERVICE", "LC_ALL"} & set(found), set())
        found = programs.environment_for("postgresql:///db?host=one:1&host=two:2")
        self.assertEqual((found["PGHOST"], found["PGPORT"]), ("one,two", "1,2"))

    def find(self, version: int) -> Path:
        environment = programs.environment_for("postgresql:///db")
        return programs.find("pg_dump", version, self.settings, environment)

    def program(self, folder: str, version: str) -> Path:
        path = self.folder / folder / "pg_dump"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
        path.chmod(0o755)
        return path
