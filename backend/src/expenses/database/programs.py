"""Finds and runs PostgreSQL's client programs, such as `pg_dump`, in the server's version."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from expenses.database import embedded
from expenses.database.address import asyncpg_url
from expenses.errors import CannotBackUp, CannotStart
from expenses.settings import Settings

# Where the driver looks for a server when an address names none. A program has only one such place.
_HOSTS = "/run/postgresql,/var/run/postgresql,/tmp,/private/tmp,localhost"
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "passfile": "PGPASSFILE",
    "database": "PGDATABASE",
    "ssl": "PGSSLMODE",
}
# These would win over the variables above.
_OVERRIDING = {"PGSERVICE", "PGSERVICEFILE", "PGHOSTADDR"}


def find(name: str, version: int, settings: Settings, environment: dict[str, str]) -> Path:
    """Find a program of exactly this major version. Raises `CannotBackUp` where there is none.

    A newer `pg_dump` reads the server too, but its files are of no use there: the server's own
    `pg_restore` cannot read them, and a newer one sets what an older server does not know.
    """
    if settings.database_url is None:
        return embedded.binary(name)
    for program in _candidates(name, version):
        # A wrapper may choose the version by what the environment says.
        if _major_version(program, environment) == version:
            return program
    raise CannotBackUp(
        "The server is PostgreSQL %(version)s, and its %(name)s is not on the PATH. Install "
        "PostgreSQL's client programs of version %(version)s (Debian and Ubuntu: "
        "postgresql-client-%(version)s), or add their folder to the PATH.",
        version=version,
        name=name,
    )


def environment_for(address: str) -> dict[str, str]:
    """Name the database in variables, which other users cannot read, unlike arguments."""
    url = asyncpg_url(address)
    _, parts = url.get_dialect()().create_connect_args(url)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG")) and name not in _OVERRIDING
    }
    ours = {
        variable: _joined(parts[part]) for part, variable in _VARIABLES.items() if part in parts
    }
    return {"PGHOST": _HOSTS} | kept | ours


def run(program: Path, *arguments: str, environment: dict[str, str]) -> str:
    """Return what a program prints. Raises `ProgramFailed` with its error message."""
    ended = subprocess.run(
        [program, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if ended.returncode != 0:
        status = f"{program.name} ended with status {ended.returncode}"
        raise ProgramFailed(_reason(ended.stderr) or status)
    return ended.stdout


class ProgramFailed(Exception):
    pass


def _candidates(name: str, version: int) -> Iterator[Path]:
    for folder in (*os.get_exec_path(), f"/usr/lib/postgresql/{version}/bin"):
        yield Path(folder, name)
    with suppress(CannotStart):
        yield embedded.binary(name)


def _major_version(program: Path, environment: dict[str, str]) -> int | None:
    try:
        printed = run(program, "--version", environment=environment)
    except (OSError, ProgramFailed):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", printed)
    return int(found[1]) if found else None


def _joined(part: object) -> str:
    return ",".join(map(str, part)) if isinstance(part, list | tuple) else str(part)


def _reason(output: str) -> str:
    """The first error, in one line and without the SQL that caused it."""
    _, _, error = output.strip().partition("error: ")
    return " ".join(re.split(r"\n(?:Command was|pg_\w+):", error or output)[0].split())
