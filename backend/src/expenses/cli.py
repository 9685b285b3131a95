"""The command line."""

import asyncio
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

# `distribute` goes through the foreign keys of every table that was declared.
import expenses.payments.models
import expenses.receipts.models  # noqa: F401
from expenses import demo
from expenses.database import backup as backups
from expenses.database import citus, roles
from expenses.database.embedded import database_address
from expenses.database.engine import Database
from expenses.database.migrations import ensure_direct, migrated_database
from expenses.database.tables import Base
from expenses.errors import (
    CannotErase,
    CannotReset,
    CannotStart,
    ExpensesError,
    InvalidInput,
)
from expenses.notifications.delivery import channels_of
from expenses.notifications.links import invitation_link, reset_link
from expenses.observability import doctor
from expenses.observability.logs import configure
from expenses.payments import rotation
from expenses.receipts.cleaning import count_missing_files
from expenses.receipts.storage import open_storage
from expenses.server import listening, serve
from expenses.settings import KEY_COMMAND, Settings, read_settings, secret_key_in
from expenses.users import employers, single_sign_on
from expenses.users.erasure import erase_by_command
from expenses.users.invitation_queries import Invitee
from expenses.users.invitations import SentInvitation, invite_from_server
from expenses.users.models import Role
from expenses.users.passwords import ensure_acceptable, hash_password
from expenses.users.queries import UserView
from expenses.users.registration import register
from expenses.users.resets import make_for_anyone
from expenses.users.schemas import Email, Password, Username
from expenses.users.second_factor.reset import reset_by_command
from expenses.web.validation import parse

cli = typer.Typer(
    name="expenses",
    help="Contoso Expenses: employees file tickets, employers decide them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
File = Annotated[Path, typer.Argument(help="The backup's file.")]
Fixtures = Annotated[Path, typer.Option(help="The folder with the demo company.")]
InvitedRole = Annotated[Role, typer.Option("--role", help="What they may do.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="The number of server processes.")]


class Address(BaseModel):
    email: Email


class Employer(Address):
    password: Password
    username: Username


def main() -> None:
    """Run a command; print an error as one sentence and exit with status 1."""
    configure("readable")
    # Unlike Python's own way of ending, an exit stops the database that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        cli()
    except InvalidInput as error:
        sys.exit("expenses: " + " ".join(f"{name}: {text}" for name, text in error.fields.items()))
    except ExpensesError as error:
        sys.exit(f"expenses: {error.message}")


@cli.command("demo")
def run_demo(port: Port = 8000) -> None:
    """Start the server with a demo company, on 127.0.0.1. It needs nothing else."""
    settings = _settings()
    _ensure_secret_key(settings)
    with listening("127.0.0.1", port) as listener, migrated_database(settings) as address:
        asyncio.run(demo.seed(address, settings))
        typer.echo(demo.introduction(f"http://127.0.0.1:{port}"))
        _serve(settings, address, listener, workers=1, is_demo=True)


@cli.command("serve")
def run_server(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """Start the server. Without DATABASE_URL, a PostgreSQL of its own starts with it."""
    settings = _settings()
    _ensure_secret_key(settings)
    with listening(host, port) as listener, migrated_database(settings) as address:
        typer.echo(f"Contoso Expenses is at http://{host}:{port}")
        _serve(settings, address, listener, workers=workers)


@cli.command()
def migrate() -> None:
    """Bring the database up to date with this version."""
    with migrated_database(_settings()):
        typer.echo("The database is up to date.")


@cli.command()
def seed(fixtures: Fixtures = demo.FIXTURES) -> None:
    """Fill an empty database with the demo company. A second time changes nothing."""
    settings = _settings()
    with migrated_database(settings) as address:
        is_new = asyncio.run(demo.seed(address, settings, fixtures))
    typer.echo("The demo company is in." if is_new else "The demo company was in already.")


@cli.command()
def create_employer(email: str) -> None:
    """Register an employer. Asks for a name and a password."""
    settings = _settings()
    username = typer.prompt("Name")
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    employer = parse(Employer, {"email": email, "username": username, "password": password})
    ensure_acceptable(employer.password, email=employer.email)
    with migrated_database(settings) as address:
        asyncio.run(_register(employer, address, settings))
    typer.echo(f"{employer.username} can log in now.")


@cli.command()
def reset_password(email: str) -> None:
    """Print a link by which somebody sets a new password. It works once, for 30 minutes."""
    settings = _with_secret_key(_settings())
    with migrated_database(settings) as address:
        secret = asyncio.run(_make_reset(email, address, settings))
    if secret is None:
        raise CannotReset("No account uses the e-mail %(email)s.", email=email)
    typer.echo(reset_link(secret, settings))


@cli.command()
def reset_second_factor(email: str) -> None:
    """Remove all passkeys and recovery codes of somebody who has lost them."""
    user = _change(lambda connection: reset_by_command(connection, email))
    typer.echo(f"{user.username} is logged out everywhere, and has no passkeys any more.")


@cli.command()
def unlink(email: str) -> None:
    """Forget somebody's account at the issuer of single sign-on. The next log-in links one."""
    user = _change(lambda connection: single_sign_on.unlink(connection, email))
    typer.echo(f"{user.username} is logged out everywhere, and is linked anew at the next log-in.")


@cli.command()
def erase(
    email: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False
) -> None:
    """Erase name and e-mail of somebody who left, for good. Asks for the e-mail again.

    They have to be suspended before; an employer, deactivated.
    """
    if not yes and typer.prompt("This cannot be undone. Type the e-mail again") != email:
        raise CannotErase("The two e-mails differ, so nobody was erased.")
    former = _change(lambda connection: erase_by_command(connection, email))
    typer.echo(f"They are erased, and called {former.username} now.")


@cli.command()
def invite(email: str, role: InvitedRole = Role.EMPLOYEE) -> None:
    """Print a link by which somebody registers. It works once, for 7 days."""
    settings = _with_secret_key(_settings())
    address = parse(Address, {"email": email}).email
    with migrated_database(settings) as database_url:
        sent = asyncio.run(_invite(Invitee(address, role), database_url, settings))
    typer.echo(invitation_link(sent.secret, settings))


@cli.command()
def set_role(email: str, role: Role) -> None:
    """Make an employee an employer, or the reverse. Open sessions follow at once."""
    settings = _settings()
    user = _change(
        lambda connection: employers.change_role_by_command(connection, email, role, settings)
    )
    typer.echo(f"{user.username} is an {user.role} now.")


@cli.command()
def deactivate(email: str) -> None:
    """End the sessions of an employer who left, and keep them from logging in."""
    user = _change(lambda connection: employers.deactivate_by_command(connection, email))
    typer.echo(f"{user.username} is deactivated.")


@cli.command()
def activate(email: str) -> None:
    """Let a deactivated employer log in again."""
    user = _change(lambda connection: employers.activate_by_command(connection, email))
    typer.echo(f"{user.username} can log in again.")


@cli.command()
def backup(file: File) -> None:
    """Back up the database and the files of receipts to a new file. The server can keep running."""
    settings = _settings_without_pooler()
    backups.back_up(file, settings, open_storage)
    typer.echo(f"The backup is in {file}.")
    with database_address(settings) as address:
        missing = asyncio.run(_missing_files(address, settings))
    if missing:
        typer.echo(
            f"{missing} files of receipts are not in it, since they are not in the storage. Check "
            "whether STORAGE_URL and DATA_DIR are those of the server.",
            err=True,
        )


@cli.command()
def restore(file: File) -> None:
    """Restore a backup into an empty database, and bring it up to date with this version.

    The files of receipts are compared with their checksums first, and put into the storage.
    """
    backups.restore(file, _settings_without_pooler(), open_storage)
    typer.echo(f"The backup in {file} is restored.")


@cli.command("doctor")
def run_doctor(workers: Workers = 1) -> None:
    """Check settings, database, storage, mail server and webhook, and say how to fix what is wrong.

    Leaves nothing behind and sends nothing. Exits with status 1 if there is a problem. For
    --workers, count the server processes of all machines.
    """
    findings = asyncio.run(doctor.examine(_settings(), workers=workers))
    encoding = sys.stdout.encoding or "utf-8"
    for finding in findings:
        # A database or mail server may answer in letters that this terminal does not have.
        typer.echo(str(finding).encode(encoding, "replace").decode(encoding))
    counted = Counter(finding.level for finding in findings)
    typer.echo(f"Problems: {counted['problem']}. Warnings: {counted['warning']}.")
    if counted["problem"]:
        sys.exit(1)


@cli.command()
def grant(role: str) -> None:
    """Let a PostgreSQL role run the application, and nothing else. Run it as the tables' owner."""
    settings = _settings()
    with migrated_database(settings) as address:
        granted = asyncio.run(_grant(role, address, settings))
    typer.echo(f"{role} may run the application now:")
    for subject, privileges in granted.items():
        typer.echo(f"  {subject}: {privileges}")


@cli.command()
def encrypt_again() -> None:
    """Encrypt payout details with SECRET_KEY that SECRET_KEY_PREVIOUS encrypted."""
    settings = _with_secret_key(_settings())
    with migrated_database(settings) as address:
        number = asyncio.run(_encrypt_again(address, settings))
    typer.echo(f"Payout details encrypted with the new key: {number}.")


@cli.command()
def distribute() -> None:
    """Distribute a migrated database over a Citus cluster. Run it as the tables' owner.

    Existing rows are moved, and nobody can write meanwhile: stop the server first. If it is
    interrupted, run it again, and it goes on from there.
    """
    settings = _settings_without_pooler()
    if settings.database_url is None:
        raise CannotStart(
            "The embedded PostgreSQL runs on one machine. Set DATABASE_URL to the address "
            "of a Citus coordinator."
        )
    asyncio.run(_distribute(settings.database_url))


async def _register(employer: Employer, address: str, settings: Settings) -> None:
    password_hash = await hash_password(employer.password)
    async with _transaction(address, settings) as connection:
        await register(
            connection,
            email=employer.email,
            password_hash=password_hash,
            username=employer.username,
            role=Role.EMPLOYER,
            employer_code=None,
            # This command needs no code: its user has access to the server anyway.
            settings=settings.model_copy(update={"employer_code": None, "oidc_only": False}),
        )


def _change(change: Callable[[AsyncConnection], Awaitable[UserView]]) -> UserView:
    async def change_in(address: str) -> UserView:
        async with _transaction(address, settings) as connection:
            return await change(connection)

    settings = _settings()
    with migrated_database(settings) as address:
        return asyncio.run(change_in(address))


async def _missing_files(address: str, settings: Settings) -> int:
    async with Database(address, settings.database_pooler) as database:
        return await count_missing_files(database, open_storage(settings))


async def _make_reset(email: str, address: str, settings: Settings) -> str | None:
    async with _transaction(address, settings) as connection:
        return await make_for_anyone(connection, email)


async def _invite(person: Invitee, address: str, settings: Settings) -> SentInvitation:
    async with _transaction(address, settings) as connection:
        return await invite_from_server(connection, person)


async def _grant(role: str, address: str, settings: Settings) -> dict[str, str]:
    async with _transaction(address, settings) as connection:
        return await roles.grant(connection, role)


async def _encrypt_again(address: str, settings: Settings) -> int:
    async with _transaction(address, settings) as connection:
        return await rotation.encrypt_again(connection, settings)


async def _distribute(address: str) -> None:
    lines = 0
    async for line in citus.distribute(address, Base.metadata):
        typer.echo(f"  {line}")
        lines += 1
    typer.echo("The database is distributed." if lines else "It was distributed already.")


def _settings() -> Settings:
    settings = read_settings()
    configure(settings.log_format)
    return settings


def _settings_without_pooler() -> Settings:
    settings = _settings()
    ensure_direct(settings)
    return settings


def _ensure_secret_key(settings: Settings) -> None:
    if settings.database_url is not None and settings.secret_key is None:
        raise CannotStart(
            "SECRET_KEY is not set, and DATABASE_URL is. Set it to a long random text, the same "
            f"for every process: for example what `{KEY_COMMAND}` prints."
        )


def _with_secret_key(settings: Settings) -> Settings:
    """Fill in the key that the server itself would use."""
    _ensure_secret_key(settings)
    key = settings.secret_key or secret_key_in(settings.data_dir)
    return settings.model_copy(update={"secret_key": key})


@asynccontextmanager
async def _transaction(address: str, settings: Settings) -> AsyncIterator[AsyncConnection]:
    async with (
        Database(address, settings.database_pooler, channels_of(settings)) as database,
        database.transaction() as connection,
    ):
        yield connection


def _serve(
    settings: Settings,
    address: str,
    listener: socket.socket,
    *,
    workers: int,
    is_demo: bool = False,
) -> None:
    # The server's processes read the environment, as they would if anybody else started them.
    os.environ["DATABASE_URL"] = address
    if settings.secret_key is None:
        os.environ["SECRET_KEY"] = secret_key_in(settings.data_dir).get_secret_value()
    serve(
        listener,
        workers=workers,
        log_format=settings.log_format,
        is_measured=settings.metrics_token is not None,
        is_demo=is_demo,
    )
