"""The command line."""

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from pydantic import BaseModel

from expenses import demo
from expenses.database import backup as backups
from expenses.database import citus as distribution
from expenses.database import migrations
from expenses.database import roles as grants
from expenses.database.embedded import database_address
from expenses.database.engine import Database
from expenses.database.errors import explained_problems
from expenses.database.tables import Base
from expenses.errors import CannotStart, ExpensesError, InvalidInput
from expenses.observability import doctor
from expenses.observability.logs import configure
from expenses.server import serve
from expenses.settings import Settings, read_settings, secret_key_in
from expenses.users.models import Role
from expenses.users.passwords import ensure_acceptable, hash_password
from expenses.users.registration import register
from expenses.users.schemas import Email, Password, Username
from expenses.web.validation import parse

cli = typer.Typer(
    name="expenses",
    help="Contoso Expenses: tickets filed by employees, decided by employers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
File = Annotated[Path, typer.Argument(help="The file of the backup.")]
Fixtures = Annotated[Path, typer.Option(help="The folder with the demo company.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="How many server processes.")]


class Employer(BaseModel):
    email: Email
    password: Password
    username: Username


def main() -> None:
    """Run a command. What goes wrong is one sentence on standard error, and exit status 1."""
    configure("readable")
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _terminate)
    try:
        cli()
    except ExpensesError as error:
        sys.exit(f"expenses: {_in_full(error)}")


@cli.command("demo")
def run_demo(port: Port = 8000) -> None:
    """Start with the demo company, on 127.0.0.1. Everything it needs comes along."""
    settings = _settings()
    _ensure_secret_key(settings)
    with _listening("127.0.0.1", port) as listener, _ready_database(settings) as address:
        asyncio.run(demo.seed(address, settings))
        typer.echo(demo.introduction(f"http://127.0.0.1:{port}"))
        _serve(settings, address, listener, workers=1)


@cli.command("serve")
def run_server(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """Start the server. Without DATABASE_URL, a PostgreSQL of its own starts with it."""
    settings = _settings()
    _ensure_secret_key(settings)
    with _listening(host, port) as listener, _ready_database(settings) as address:
        typer.echo(f"Contoso Expenses is at http://{host}:{port}")
        _serve(settings, address, listener, workers=workers)


@cli.command()
def migrate() -> None:
    """Bring the database up to date with this version."""
    with _ready_database(_settings()):
        typer.echo("The database is up to date.")


@cli.command()
def seed(fixtures: Fixtures = demo.FIXTURES) -> None:
    """Fill an empty database with the demo company. Doing it twice changes nothing."""
    settings = _settings()
    with _ready_database(settings) as address:
        is_new = asyncio.run(demo.seed(address, settings, fixtures))
    typer.echo("The demo company is in." if is_new else "The demo company was in already.")


@cli.command()
def create_employer(email: str) -> None:
    """Register an employer; asks for name and password."""
    settings = _settings()
    username = typer.prompt("Name")
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    employer = parse(Employer, {"email": email, "username": username, "password": password})
    ensure_acceptable(employer.password, email=employer.email)
    with _ready_database(settings) as address:
        asyncio.run(_register(employer, address, settings))
    typer.echo(f"{employer.username} can log in now.")


@cli.command()
def backup(file: File) -> None:
    """Write the whole database to a new file. The server may go on meanwhile."""
    backups.back_up(file, _settings_without_pooler())
    typer.echo(f"The backup is in {file}.")


@cli.command()
def restore(file: File) -> None:
    """Fill an empty database from a backup, and bring it up to date with this version."""
    backups.restore(file, _settings_without_pooler())
    typer.echo(f"The backup in {file} is restored.")


@cli.command("doctor")
def run_doctor(workers: Workers = 1) -> None:
    """Say what is wrong with settings, database, mail server and webhook, and how to mend it.

    Changes nothing, sends nothing. Exit status 1 where there is a problem. Give --workers as for
    all server processes together.
    """
    findings = asyncio.run(doctor.examine(workers=workers))
    for finding in findings:
        typer.echo(_for_this_terminal(str(finding)))
    counted = Counter(finding.state for finding in findings)
    typer.echo(f"Problems: {counted['problem']}. Warnings: {counted['warning']}.")
    if counted["problem"]:
        sys.exit(1)


@cli.command()
def grant(role: str) -> None:
    """Let a role of PostgreSQL run the application, and do nothing else. For the tables' owner."""
    settings = _settings()
    with _ready_database(settings) as address:
        granted = asyncio.run(_grant(role, address, settings))
    typer.echo(f"{role} may run the application now:")
    for subject, privileges in granted.items():
        typer.echo(f"  {subject}: {privileges}")


@cli.command()
def distribute() -> None:
    """Spread a migrated database over the nodes of a Citus cluster. For the tables' owner.

    Rows that are there already are moved, and nobody can write meanwhile: stop the server first.
    Ended halfway, it goes on where it was when it is run again.
    """
    settings = _settings_without_pooler()
    if settings.database_url is None:
        raise CannotStart(
            "The PostgreSQL that comes along runs on one machine. Set DATABASE_URL to the address "
            "of a Citus coordinator."
        )
    with database_address(settings) as address:
        asyncio.run(_distribute(address))


async def _distribute(address: str) -> None:
    lines = 0
    async for line in distribution.distribute(address, Base.metadata):
        typer.echo(f"  {line}")
        lines += 1
    typer.echo("The database is distributed." if lines else "It was distributed already.")


def _for_this_terminal(text: str) -> str:
    """Other sides' words may have letters that it does not."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


async def _grant(role: str, address: str, settings: Settings) -> dict[str, str]:
    async with _database(address, settings) as database, database.transaction() as connection:
        return await grants.grant(connection, role)


async def _register(employer: Employer, address: str, settings: Settings) -> None:
    # Whoever runs this command on the server may register employers: no code is asked for.
    settings = settings.model_copy(update={"employer_code": None})
    async with _database(address, settings) as database, database.transaction() as connection:
        await register(
            connection,
            email=employer.email,
            password_hash=await hash_password(employer.password),
            username=employer.username,
            role=Role.EMPLOYER,
            employer_code=None,
            settings=settings,
        )


def _settings() -> Settings:
    settings = read_settings()
    configure(settings.log_format)
    return settings


def _settings_without_pooler() -> Settings:
    settings = _settings()
    _ensure_direct(settings)
    return settings


@contextmanager
def _ready_database(settings: Settings) -> Iterator[str]:
    """The address of a database that runs and is up to date."""
    with database_address(settings) as address:
        if not asyncio.run(_is_up_to_date(address, settings)):
            _ensure_direct(settings)
            migrations.upgrade(address)
        yield address


async def _is_up_to_date(address: str, settings: Settings) -> bool:
    with explained_problems():
        async with _database(address, settings) as database:
            return await migrations.is_up_to_date(database)


def _database(address: str, settings: Settings) -> Database:
    return Database(address, settings.database_pooler)


def _ensure_direct(settings: Settings) -> None:
    """For what keeps one connection to itself and takes as long as it takes."""
    if settings.database_pooler is not None:
        raise CannotStart(
            "Migrations, backups and moves do not go through a pooler. Set DATABASE_URL to the "
            "address of PostgreSQL itself for this command, and leave DATABASE_POOLER out."
        )


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """The port, taken before anything else is done."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its name: otherwise Python's own event loop holds small packets back for 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CannotStart(
                "Cannot listen on %(host)s:%(port)s: %(problem)s. Choose another --port.",
                host=host,
                port=port,
                problem=error.strerror,
            ) from error
        yield listener


def _serve(settings: Settings, address: str, listener: socket.socket, *, workers: int) -> None:
    # The server's processes read the environment, as they would if anybody else started them.
    os.environ["DATABASE_URL"] = address
    if settings.secret_key is None:
        os.environ["SECRET_KEY"] = secret_key_in(settings.data_dir).get_secret_value()
    serve(
        listener,
        workers=workers,
        log_format=settings.log_format,
        is_measured=settings.metrics_token is not None,
    )


def _ensure_secret_key(settings: Settings) -> None:
    if settings.database_url is not None and settings.secret_key is None:
        raise CannotStart(
            "SECRET_KEY is not set, and DATABASE_URL is. Set it to a long random text, the same "
            "for every process: for example what `openssl rand -base64 48` prints."
        )


def _leave(_number: int, _frame: object) -> NoReturn:
    # Unlike Python's own way of ending, this stops the database that was started.
    sys.exit(0)


def _terminate(_number: int, _frame: object) -> None:
    signal.raise_signal(signal.SIGTERM)


def _in_full(error: ExpensesError) -> str:
    if not isinstance(error, InvalidInput):
        return error.message
    return " ".join(f"{field}: {message}" for field, message in error.fields.items())
