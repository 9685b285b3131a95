"""The results as Markdown, which reads as well in a terminal."""

from collections.abc import Sequence

from benchmarks.results import Measured, Results
from benchmarks.targets import targets

COLUMNS = (
    *("route", "tickets", "clients", "p50 ms", "p99 ms", "requests/s"),
    *("CPU ms", "DB CPU ms", "SQL", "of its floor", "times list floor", "growth"),
)
# How many columns hold words; the others hold numbers, which stand to the right.
WORDS = 1

INTRODUCTION = """\
# How fast it is

Written by `python -m benchmarks run`; the README says how to run it.

The **floor** is the least that has to be done for the same answer: the application's own
statements, sent through asyncpg, and what comes back encoded by orjson, in a bare ASGI application.
It is measured in turns with the application, which runs as `expenses serve` starts it, with one
worker. Both talk to the PostgreSQL that comes along, with full durability. Programs ask for no
compression, browsers for gzip. Rounds: {rounds}, each measurement {seconds} s long, after warming
up; a figure is the median of its rounds. Every answer's status and length was checked, and of
each route one answer's rows.
"""
LEGEND = """\
`clients`: so many at once, each with its next request as soon as the last one is answered; or a
fixed rate, where times count from when a request was due. `CPU ms`, `DB CPU ms`: processor time per
request, of the server's process and of PostgreSQL's; the load generator's is in neither. `SQL`:
statements per request that PostgreSQL counted (pg_stat_statements), BEGIN and COMMIT among them.
`of its floor`: the share of the floor's requests/s. `times list floor`: p50 as a multiple of the
p50 of the API list's floor. `growth`: of p50, since the smallest company.
"""


def markdown(results: Results) -> str:
    return "\n".join(
        [
            INTRODUCTION.format(rounds=results.rounds, seconds=results.seconds),
            *(f"- {name}: {value}" for name, value in results.machine.items()),
            "\n## Targets\n",
            *_table(
                ("what", "wanted", "measured", "met"),
                [
                    (target.what, target.wanted, target.measured, "yes" if target.is_met else "no")
                    for target in targets(results)
                ],
                words=4,
            ),
            "\n## Figures\n",
            *_table(
                COLUMNS, [_line(results, measured) for measured in _sorted(results)], words=WORDS
            ),
            "\n" + LEGEND,
            *_others(results),
        ]
    )


def _sorted(results: Results) -> list[Measured]:
    """Routes in the order in which they were measured, each with its floor at its side."""
    routes = [*dict.fromkeys(measured.route for measured in results.loads)]

    def place(measured: Measured) -> tuple[int, int, bool, int, bool]:
        clients = measured.clients.removesuffix("/s")
        is_paced = clients != measured.clients
        number = routes.index(measured.route)
        return number, measured.size, is_paced, int(clients), measured.is_floor

    return sorted(results.loads, key=place)


def _line(results: Results, measured: Measured) -> tuple[str, ...]:
    load = results.load(measured)
    assert load is not None
    return (
        f"{measured.route} (floor)" if measured.is_floor else measured.route,
        f"{measured.size:,}",
        measured.clients,
        f"{load.p50 * 1000:.2f}",
        f"{load.p99 * 1000:.2f}",
        f"{load.rate:.1f}",
        _milliseconds(load.server),
        _milliseconds(load.database),
        _number(results.statements.get((measured.route, measured.is_floor)), 1),
        _number(results.of_floor(measured), 2),
        _number(results.times_list_floor(measured), 1),
        _number(results.growth(measured), 2),
    )


def _others(results: Results) -> list[str]:
    """What does not fit into the table."""
    lines = [
        f"No figures of {route} at {size:,} tickets: {problem}."
        for (route, size), problem in results.failures.items()
    ]
    if (export := results.export) is not None:
        lines.append(
            f"Export of {export.rows:,} rows as CSV: {export.rate:,.0f} rows/s, first byte after "
            f"{export.first_byte * 1000:.0f} ms."
        )
    if results.log_ins:
        waits = [f"{found.load.p50 * 1000:.0f}" for found in results.log_ins]
        lines.append(f"A log-in beside seven others, p50 in each round: {', '.join(waits)} ms.")
    return lines


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value * 1000:.2f}"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, words: int) -> list[str]:
    """`words` is how many columns, from the left, are aligned to the left."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if number < words else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if number < words else "-" * (width - 1) + ":"
        for number, width in enumerate(widths)
    ]
    return [line(titles), line(rule), *map(line, rows)]
