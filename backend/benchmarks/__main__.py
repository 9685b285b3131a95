"""The command line of the benchmark."""

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from benchmarks import report, run
from benchmarks.crowd import USERS
from benchmarks.fill import fill
from benchmarks.load import ensure_wrk
from expenses.database import migrations
from expenses.database.embedded import database_address
from expenses.errors import ExpensesError
from expenses.settings import read_settings

RESULTS = Path(__file__).with_name("RESULTS.md")
# With fewer tickets, not every list fills its page.
MIN_TICKETS = 10_000
SIZES = [10_000, 1_000_000]

cli = typer.Typer(
    name="benchmarks",
    help="Compare Contoso Expenses with the smallest program that gives the same answers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    # As an exception, so that the servers are stopped on the way out.
    signal.signal(signal.SIGTERM, _exit)
    try:
        cli()
    except ExpensesError as error:
        sys.exit(f"benchmarks: {error.message}")


@cli.command("fill")
def fill_command(
    tickets: Annotated[int, typer.Argument(min=1, help="How many tickets.")],
) -> None:
    """Fill the empty database of the settings with a made-up company."""
    with database_address(read_settings()) as address:
        migrations.upgrade(address)
        asyncio.run(fill(address, tickets, show_progress))


@cli.command("run")
def run_command(
    sizes: Annotated[
        list[int], typer.Option("--size", min=MIN_TICKETS, help="How many tickets; repeat it.")
    ] = SIZES,
    rounds: Annotated[int, typer.Option(min=1, help="Each figure is their median.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="How long each measurement takes.")] = 3,
    only: Annotated[
        str, typer.Option(help="Only the routes whose name matches this regular expression.")
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Check the targets in three minutes: one short round.")
    ] = False,
    users: Annotated[
        int, typer.Option("--crowd", min=0, help="How many open browsers; 0 for none.")
    ] = USERS,
    data_dir: Annotated[Path, typer.Option(help="Where the filled databases are kept.")] = Path(
        ".data/benchmarks"
    ),
) -> None:
    """Measure and print the results. A full run also writes them to benchmarks/RESULTS.md."""
    ensure_wrk()
    if quick:
        rounds, seconds = 1, 1
    options = run.Options(sorted(sizes), rounds, seconds, only, data_dir, quick, users)
    results = report.markdown(run.run(options, show_progress))
    typer.echo(results)
    if not only and not quick:
        RESULTS.write_text(results, encoding="utf-8")


def show_progress(step: str, done: int, total: int) -> None:
    typer.echo(f"\r{step}: {done:,} of {total:,}", err=True, nl=done == total)


def _exit(_number: int, _frame: object) -> NoReturn:
    sys.exit(1)


if __name__ == "__main__":
    main()
