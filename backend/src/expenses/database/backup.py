"""Backs the whole database and the files of receipts up to one file, and restores them."""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from expenses.database import archive, migrations, programs
from expenses.database.archive import Files
from expenses.database.embedded import data_folder, database_address
from expenses.database.engine import Database
from expenses.database.errors import explained_problems
from expenses.errors import CannotBackUp, StorageUnavailable
from expenses.settings import Settings

# Another server has its own roles and rights, and its extensions may belong to another role.
_WITHOUT_SERVER_OBJECTS = (
    "--no-owner",
    "--no-privileges",
    "--no-comments",
    "--no-publications",
    "--no-subscriptions",
    "--no-security-labels",
    "--no-tablespaces",
)

_ANY_TABLE = """
SELECT min(relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'
    )
"""


class _Contents(NamedTuple):
    major_version: int
    revision: str | None
    table: str | None


def back_up(file: Path, settings: Settings, open_files: Callable[[Settings], Files]) -> None:
    """Write everything to a new file that only its owner can read, while the server may run.

    Raises `CannotBackUp`, and then there is no file.
    """
    file = file.absolute()
    _ensure_free(file)
    with _interruption_is_failure(), database_address(settings) as address:
        contents = asyncio.run(_inspect(address))
        if contents.revision is None:
            raise CannotBackUp("There is nothing to back up: the database was never migrated.")
        environment = programs.environment_for(address)
        pg_dump = programs.find("pg_dump", contents.major_version, settings, environment)
        with _explained("%(file)s was not made", file), _temporary(file.name, file.parent) as dump:
            programs.run(
                pg_dump,
                "--format=custom",
                # The one that the tables need. Others, such as Citus, belong to the server.
                "--extension=pg_trgm",
                f"--file={dump}",
                environment=environment,
            )
            # Files are kept for a day after their last row: all that the dump names are there.
            with _unfinished(file) as unfinished:
                asyncio.run(archive.write(unfinished, dump, open_files(settings)))


def restore(file: Path, settings: Settings, open_files: Callable[[Settings], Files]) -> None:
    """Fill an empty database from the file and bring it up to date with this version.

    Raises `CannotBackUp`, and then the database is as empty as it was. Files that were put back by
    then do no harm: no row names them.
    """
    file = file.absolute()
    _ensure_is_file(file)
    with _interruption_is_failure(), database_address(settings) as address:
        contents = asyncio.run(_inspect(address))
        _ensure_empty(contents, settings)
        environment = programs.environment_for(address)
        pg_restore = programs.find("pg_restore", contents.major_version, settings, environment)
        files = open_files(settings)
        with _checked(file, files) as dump:
            with _explained("%(file)s is not a backup that can be read here", file):
                revision = _revision_in(dump, pg_restore, environment)
            _ensure_known(revision, file)
            with _explained("%(file)s was not restored", file):
                if dump != file:
                    asyncio.run(archive.put_back(file, files))
                _fill(dump, pg_restore, environment)
        migrations.upgrade(address)
        asyncio.run(_analyse(address))


@contextmanager
def _checked(file: Path, files: Files) -> Iterator[Path]:
    """Yield the database's dump: a backup from before receipts is nothing else."""
    if archive.is_dump(file):
        yield file
        return
    with _temporary(file.name) as dump:
        with _explained("%(file)s is not a backup that can be read here", file):
            archive.check(file, dump, files)
        yield dump


def _fill(dump: Path, pg_restore: Path, environment: dict[str, str]) -> None:
    programs.run(
        pg_restore,
        # Without this it only prints. PGDATABASE names the database, however it is called.
        "--dbname=application_name=pg_restore",
        "--single-transaction",
        "--exit-on-error",
        *_WITHOUT_SERVER_OBJECTS,
        str(dump),
        environment=environment,
    )


async def _inspect(address: str) -> _Contents:
    with explained_problems(address):
        async with Database(address) as database, database.reading() as connection:
            version = await connection.scalar(text("SHOW server_version_num"))
            table = await connection.scalar(text(_ANY_TABLE))
            revision = await migrations.current_revision(connection)
    return _Contents(int(str(version)) // 10_000, revision, table)


def _ensure_empty(contents: _Contents, settings: Settings) -> None:
    if contents.table is None:
        return
    raise CannotBackUp(
        "The database is not empty (it has %(table)s), and nothing was restored. %(way_out)s.",
        table=contents.table,
        way_out=(
            "Set DATA_DIR to a new folder"
            if settings.database_url is None
            else "Make a new database with CREATE DATABASE and set DATABASE_URL to it"
        ),
    )


async def _analyse(address: str) -> None:
    """Collect statistics: without them, the planner chooses slow plans."""
    async with Database(address) as database, database.transaction() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text("ANALYZE"))


def _ensure_free(file: Path) -> None:
    if os.path.lexists(file):
        raise CannotBackUp("%(file)s is there already, and is not overwritten.", file=file)


def _ensure_is_file(file: Path) -> None:
    if not file.exists():
        raise CannotBackUp("There is no file %(file)s.", file=file)
    if not file.is_file():
        raise CannotBackUp("%(file)s is not a file.", file=file)


@contextmanager
def _unfinished(file: Path) -> Iterator[Path]:
    """Yield a temporary file, which gets its name at the end, or is removed after an error."""
    with _temporary(file.name, file.parent) as temporary:
        yield temporary
        data_folder.sync(temporary)
        _rename(temporary, file)
        data_folder.sync(file.parent)


@contextmanager
def _temporary(name: str, folder: Path | None = None) -> Iterator[Path]:
    """Yield an empty file that only its owner can read, and that is gone at the end."""
    descriptor, path = tempfile.mkstemp(prefix=f"{name}.unfinished-", dir=folder)
    os.close(descriptor)
    try:
        yield Path(path)
    finally:
        Path(path).unlink(missing_ok=True)


def _rename(temporary: Path, file: Path) -> None:
    # A link, unlike renaming, never replaces a file that has appeared meanwhile.
    with suppress(OSError):
        file.hardlink_to(temporary)
        return
    # Some file systems have no links.
    _ensure_free(file)
    temporary.rename(file)


def _revision_in(file: Path, pg_restore: Path, environment: dict[str, str]) -> str | None:
    script = programs.run(
        pg_restore,
        "--data-only",
        "--table=alembic_version",
        "--file=-",
        str(file),
        environment=environment,
    )
    found = re.search(r"^COPY .*alembic_version .*\n(\w+)$", script, re.MULTILINE)
    return found[1] if found else None


def _ensure_known(revision: str | None, file: Path) -> None:
    if revision is None:
        raise CannotBackUp("%(file)s is not a backup of Contoso Expenses.", file=file)
    if not migrations.is_known(revision):
        raise CannotBackUp(
            "%(file)s was made by a newer version of Contoso Expenses, or before its first release "
            "(revision %(revision)s). Restore it with that version.",
            file=file,
            revision=revision,
        )


@contextmanager
def _explained(what: str, file: Path) -> Iterator[None]:
    try:
        yield
    except (programs.ProgramFailed, archive.Damaged, StorageUnavailable, OSError) as error:
        problem = error.strerror if isinstance(error, OSError) else error
        raise CannotBackUp(f"{what}: %(problem)s", file=file, problem=problem) from error


@contextmanager
def _interruption_is_failure() -> Iterator[None]:
    """Turn a signal to stop into a failure: the backup was not made."""
    try:
        yield
    except SystemExit as end:
        raise CannotBackUp("Ended before it was done. Nothing is left half done.") from end
