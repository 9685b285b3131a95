"""The command line: `commands` names what can be run, the modules beside it do it."""

import signal
import sys

from expenses.cli.commands import cli
from expenses.errors import ExpensesError, InvalidInput


def main() -> None:
    """Run a command; print an error as one sentence and exit with status 1."""
    # Unlike Python's own way of ending, an exit stops the database that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        cli()
    except InvalidInput as error:
        sys.exit("expenses: " + " ".join(f"{name}: {text}" for name, text in error.fields.items()))
    except ExpensesError as error:
        sys.exit(f"expenses: {error.message}")
