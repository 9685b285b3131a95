"""The command line of the benchmarks."""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from benchmarks import machine, report, run
from benchmarks.fill import Progress, fill
from expenses.database import migrations
from expenses.database.embedded import database_address
from expenses.errors import ExpensesError
from expenses.settings import read_settings

RESULTS = Path(__file__).with_name("RESULTS.md")
SMALLEST, LARGE = 10_000, 10_000_000

cli = typer.Typer(
    name="benchmarks",
    help="How fast Contoso Expenses is, beside what database and language can do at all.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    # So that what was started is also ended.
    signal.signal(signal.SIGTERM, _leave)
    try:
        cli()
    except ExpensesError as error:
        sys.exit(f"benchmarks: {error.message}")


@cli.command("fill")
def run_fill(
    tickets: Annotated[int, typer.Argument(min=1, help="How many tickets.")],
    database_url: Annotated[
        str | None, typer.Option(help="Another database than the one of the environment.")
    ] = None,
) -> None:
    """Put a made-up company into an empty database: people, tickets, and what happened to them."""
    settings = read_settings()
    if database_url is not None:
        settings = settings.model_copy(update={"database_url": database_url})
    with database_address(settings) as address, progress_bars() as progress:
        migrations.upgrade(address)
        asyncio.run(fill(address, tickets, progress))


@cli.command("run")
def run_run(
    sizes: Annotated[
        str, typer.Option(help="How many tickets, separated by commas.")
    ] = "10000,1000000",
    large: Annotated[bool, typer.Option("--large", help="10,000,000 tickets, too.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="The figures are medians of so many.")] = 5,
    seconds: Annotated[int, typer.Option(min=1, help="How long each measurement takes.")] = 3,
    only: Annotated[
        str, typer.Option(help="Routes whose name this regular expression finds.")
    ] = "",
    data_dir: Annotated[
        Path, typer.Option(help="Where filled databases are kept for the next run.")
    ] = Path(".data/benchmarks"),
    results: Annotated[
        Path | None, typer.Option(help="Where to write; without --only it is RESULTS.md.")
    ] = None,
) -> None:
    """Measure, print one table, and write it down in backend/benchmarks/RESULTS.md."""
    machine.wrk()
    chosen = sorted({*_numbers(sizes), *([LARGE] if large else [])})
    options = run.Options(chosen, rounds, seconds, only, data_dir)
    with progress_bars() as progress:
        found = report.markdown(run.run(options, progress))
    typer.echo(found)
    if results is None and not only:
        results = RESULTS
    if results is not None:
        results.write_text(found + "\n", encoding="utf-8")


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter("write them as 10000,1000000") from None
    if min(numbers) < SMALLEST:
        raise typer.BadParameter(f"below {SMALLEST:,} tickets not every list fills its page")
    return numbers


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """A bar for each step, one after the other."""
    bars: dict[str, Any] = {}

    def progress(step: str, done: int, of: int) -> None:
        if step not in bars:
            bars[step] = typer.progressbar(length=of, label=f"{step:<8}", file=sys.stderr)
        bars[step].update(done)
        if bars[step].finished:
            bars.pop(step).render_finish()

    yield progress


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit(1)


if __name__ == "__main__":
    main()
