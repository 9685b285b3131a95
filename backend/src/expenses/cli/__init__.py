"""The command line."""

import signal
import sys

import typer

# `distribute` goes through the foreign keys of every table that was declared.
import expenses.payments.models
import expenses.receipts.models  # noqa: F401
from expenses.cli import accounts, operations
from expenses.errors import ExpensesError, InvalidInput
from expenses.observability.logs import configure

cli = typer.Typer(
    name="expenses",
    help="Contoso Expenses: employees file tickets, employers decide them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.add_typer(operations.commands)
cli.add_typer(accounts.commands)


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
