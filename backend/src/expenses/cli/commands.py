"""Every command with its arguments and its help.

Each imports what does the work when it is run: `--help` answers at once, and no command waits for
libraries that only another needs.
"""

from pathlib import Path
from typing import Annotated, Literal

import typer

cli = typer.Typer(
    name="expenses",
    help="Contoso Expenses: employees file tickets, employers decide them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain text: boxes and colours would take twice as long, and 12 MB of libraries.
    rich_markup_mode=None,
)

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="The number of server processes.")]
File = Annotated[Path, typer.Argument(help="The backup's file.")]
Fixtures = Annotated[
    Path | None, typer.Option(help="The folder with the demo company, if not the usual one.")
]
RoleName = Literal["employee", "employer"]
InvitedRole = Annotated[RoleName, typer.Option("--role", help="What they may do.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask again.")]


@cli.command()
def demo(port: Port = 8000) -> None:
    """Start the server with a demo company, on 127.0.0.1. It needs nothing else."""
    from expenses.cli import demonstration

    demonstration.demo(port)


@cli.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """Start the server. Without DATABASE_URL, a PostgreSQL of its own starts with it."""
    from expenses.cli import serving

    serving.serve(host, port, workers)


@cli.command()
def migrate() -> None:
    """Bring the database up to date with this version."""
    from expenses.cli import operations

    operations.migrate()


@cli.command()
def seed(fixtures: Fixtures = None) -> None:
    """Fill an empty database with the demo company. A second time changes nothing."""
    from expenses.cli import demonstration

    demonstration.seed(fixtures)


@cli.command()
def backup(file: File) -> None:
    """Back up the database and the files of receipts to a new file. The server can keep running."""
    from expenses.cli import operations

    operations.backup(file)


@cli.command()
def restore(file: File) -> None:
    """Restore a backup into an empty database, and bring it up to date with this version.

    The files of receipts are compared with their checksums first, and put into the storage.
    """
    from expenses.cli import operations

    operations.restore(file)


@cli.command()
def doctor(workers: Workers = 1) -> None:
    """Check settings, database, storage, mail server and webhook, and say how to fix what is wrong.

    Leaves nothing behind and sends nothing. Exits with status 1 if there is a problem. For
    --workers, count the server processes of all machines.
    """
    from expenses.cli import operations

    operations.doctor(workers)


@cli.command()
def grant(role: str) -> None:
    """Let a PostgreSQL role run the application, and nothing else. Run it as the tables' owner."""
    from expenses.cli import operations

    operations.grant(role)


@cli.command()
def encrypt_again() -> None:
    """Encrypt payout details with SECRET_KEY that SECRET_KEY_PREVIOUS encrypted."""
    from expenses.cli import operations

    operations.encrypt_again()


@cli.command()
def recount() -> None:
    """Add up all tickets anew for the overview. The server can keep running.

    Needed only after tickets were written with PostgreSQL's triggers disabled.
    """
    from expenses.cli import operations

    operations.recount()


@cli.command()
def distribute() -> None:
    """Distribute a migrated database over a Citus cluster. Run it as the tables' owner.

    Existing rows are moved, and nobody can write meanwhile: stop the server first. If it is
    interrupted, run it again, and it goes on from there.
    """
    from expenses.cli import operations

    operations.distribute()


@cli.command()
def create_employer(email: str) -> None:
    """Register an employer. Asks for a name and a password."""
    from expenses.cli import accounts

    accounts.create_employer(email)


@cli.command()
def reset_password(email: str) -> None:
    """Print a link by which somebody sets a new password. It works once, for 30 minutes."""
    from expenses.cli import accounts

    accounts.reset_password(email)


@cli.command()
def reset_second_factor(email: str) -> None:
    """Remove all passkeys and recovery codes of somebody who has lost them."""
    from expenses.cli import accounts

    accounts.reset_second_factor(email)


@cli.command()
def unlink(email: str) -> None:
    """Forget somebody's account at the issuer of single sign-on. The next log-in links one."""
    from expenses.cli import accounts

    accounts.unlink(email)


@cli.command()
def erase(email: str, yes: Yes = False) -> None:
    """Erase name and e-mail of somebody who left, for good. Asks for the e-mail again.

    They have to be suspended before; an employer, deactivated.
    """
    from expenses.cli import accounts

    accounts.erase(email, is_sure=yes)


@cli.command()
def invite(email: str, role: InvitedRole = "employee") -> None:
    """Print a link by which somebody registers. It works once, for 7 days."""
    from expenses.cli import accounts

    accounts.invite(email, role)


@cli.command()
def set_role(email: str, role: RoleName) -> None:
    """Make an employee an employer, or the reverse. Open sessions follow at once."""
    from expenses.cli import accounts

    accounts.set_role(email, role)


@cli.command()
def deactivate(email: str) -> None:
    """End the sessions of an employer who left, and keep them from logging in."""
    from expenses.cli import accounts

    accounts.deactivate(email)


@cli.command()
def activate(email: str) -> None:
    """Let a deactivated employer log in again."""
    from expenses.cli import accounts

    accounts.activate(email)
