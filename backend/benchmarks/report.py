"""The results as Markdown."""

from collections.abc import Sequence

from benchmarks.results import Key, Results
from benchmarks.targets import targets

COLUMNS = (
    *("route", "tickets", "clients", "p50 ms", "p99 ms", "requests/s", "CPU ms", "DB CPU ms"),
    *("of its floor", "times list floor", "growth"),
)

INTRODUCTION = """\
# How fast it is

Written by `python -m benchmarks run`; [scaling.md](../docs/scaling.md) says how to run it.

The **floor** is the smallest program that gives the same answers: the application's own statements,
sent through asyncpg, with the rows encoded by orjson, in a bare ASGI application. It is measured in
turns with the application, which runs as `expenses serve` starts it, with one worker and all of its
middleware. Both use the built-in PostgreSQL, with full durability. API clients ask for no
compression, browsers for gzip. Each figure is the median of the rounds, after warming up. The
status and length of every answer were checked, and the rows of one answer of each route.
"""
LEGEND = """
`clients`: this many at once, each sending its next request as soon as the last one is answered.
`CPU ms`, `DB CPU ms`: processor time per request of the server and of PostgreSQL. `of its floor`:
the share of the floor's requests per second. `times list floor`: p50 as a multiple of the floor's
list. `growth`: p50 as a multiple of p50 with the fewest tickets.
"""


def markdown(results: Results) -> str:
    checked = [
        (target.what, target.wanted, target.measured, "yes" if target.is_met else "no")
        for target in targets(results)
    ]
    return "\n".join(
        [
            INTRODUCTION,
            *(f"- {name}: {value}" for name, value in results.about.items()),
            "\n## Targets\n",
            *_table(("what", "wanted", "measured", "met"), checked, text_columns=4),
            "\n## Figures\n",
            *_table(COLUMNS, [_figures(results, key) for key in _ordered(results)], text_columns=1),
            LEGEND,
        ]
    )


def _ordered(results: Results) -> list[Key]:
    """Keep the routes in the order they were measured in, each next to its floor."""
    routes = [*dict.fromkeys(key.route for key in results.rounds)]
    return sorted(results.rounds, key=lambda key: (routes.index(key.route), key[1:]))


def _figures(results: Results, key: Key) -> tuple[str, ...]:
    load = results.load(key)
    assert load is not None
    return (
        f"{key.route} (floor)" if key.is_floor else key.route,
        f"{key.size:,}",
        str(key.clients),
        *(f"{seconds * 1000:.2f}" for seconds in (load.p50, load.p99)),
        f"{load.rate:.1f}",
        *(f"{seconds * 1000:.2f}" for seconds in (load.cpu, load.database_cpu)),
        _optional(results.share_of_floor(key), 2),
        _optional(results.times_list_floor(key), 1),
        _optional(results.growth(key), 2),
    )


def _optional(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int) -> list[str]:
    """Align text to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    rule = [
        "-" * width if number < text_columns else "-" * (width - 1) + ":"
        for number, width in enumerate(widths)
    ]
    return [
        "| "
        + " | ".join(
            cell.ljust(width) if number < text_columns else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        + " |"
        for cells in (titles, rule, *rows)
    ]
