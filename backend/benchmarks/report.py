"""The results as Markdown."""

from collections.abc import Sequence

from benchmarks.comparison import ANSWERS, DJANGO, PAGES, SQLADMIN, TEXTBOOK, title_of
from benchmarks.results import Key, Results
from benchmarks.targets import targets, usual_size

COLUMNS = (
    *("p99 ms", "requests/s", "CPU ms", "DB CPU ms"),
    *("of its floor", "times list floor", "growth"),
)
OTHERS_COLUMNS = (
    *("what", "Contoso Expenses, page", DJANGO, SQLADMIN),
    *("Contoso Expenses, JSON", TEXTBOOK),
)

INTRODUCTION = """\
# How fast it is

Written by `python -m benchmarks run`; [scaling.md](../docs/scaling.md) says how to run it.

The **floor** is the smallest program that gives the same answers: the application's own statements,
sent through asyncpg, with the rows encoded by orjson, in a bare ASGI application. It is measured in
turns with the application, which runs as `expenses serve` starts it, with one worker and all of its
middleware. Both have `MALLOC_ARENA_MAX=2`, as in the image, and use the built-in PostgreSQL, with
full durability. API clients ask for no compression, browsers for gzip. Each figure is the median of
the rounds, after warming up. The status and length of every answer were checked, and the rows of
one answer of each route. An upload is a scanned page: before it is answered, a process of its own
decodes it, looks for codes and makes its preview, which takes many times as long as writing it.
"""
OTHERS = """
## What people use instead

p50 of one client with {size:,} tickets, over the same tables with the same indexes, each with the
defaults of its documentation and one worker. Pages have 50 rows, JSON has 20. Django's admin runs
on gunicorn with psycopg; SQLAdmin and the textbook application, which uses ORM entities, OFFSET and
count(*), run on uvicorn with asyncpg. SQLAdmin asks nobody to log in.
"""
LEGEND = """
`clients`: this many at once, each sending its next request as soon as the last one is answered.
What stands after p50 is of the largest number of tickets. `CPU ms`, `DB CPU ms`: processor time per
request of the server and of PostgreSQL. `of its floor`: the share of the floor's requests per
second. `times list floor`: p50 as a multiple of the floor's list. `growth`: p50 as a multiple of
p50 with the fewest tickets.
"""


def markdown(results: Results) -> str:
    checked = [
        (target.what, target.wanted, target.measured, "yes" if target.is_met else "no")
        for target in targets(results)
    ]
    p50 = (f"p50 ms, {size:,} tickets" for size in results.sizes)
    figures = [_figures(results, key) for key in _ordered(results)]
    return "\n".join(
        [
            INTRODUCTION,
            *(f"- {name}: {value}" for name, value in results.about.items()),
            "\n## Targets\n",
            *_table(("what", "wanted", "measured", "met"), checked, text_columns=4),
            *_others(results),
            "\n## Figures\n",
            *_table(("route", "clients", *p50, *COLUMNS), figures, text_columns=1),
            LEGEND,
        ]
    )


def _others(results: Results) -> list[str]:
    """Compare each with what the application has for it."""
    size = usual_size(results.sizes)

    def p50(title: str) -> float | None:
        load = results.load(Key(title, size, 1))
        return load.p50 if load else None

    if not any(p50(title_of(TEXTBOOK, what)) for what in ANSWERS):
        return []
    rows = []
    for what, answer_title in ANSWERS.items():
        page, answer = p50(PAGES.get(what, "")), p50(answer_title)
        admins = [_compared(p50(title_of(name, what)), page) for name in (DJANGO, SQLADMIN)]
        textbook = _compared(p50(title_of(TEXTBOOK, what)), answer)
        rows.append((what, _compared(page), *admins, _compared(answer), textbook))
    if results.export and results.sqladmin_export:
        ours, stock = results.export.total, results.sqladmin_export
        rows.append(("CSV of all", _compared(ours), "", _compared(stock, ours), "", ""))
    return [OTHERS.format(size=size), *_table(OTHERS_COLUMNS, rows, text_columns=1)]


def _compared(seconds: float | None, ours: float | None = None) -> str:
    if seconds is None:
        return ""
    multiple = f" ({seconds / ours:.1f}×)" if ours else ""  # noqa: RUF001
    return f"{seconds * 1000:,.1f} ms{multiple}"


def _ordered(results: Results) -> list[Key]:
    """List the largest of each, in the order it was measured in and next to its floor."""
    routes = [*dict.fromkeys(key.route for key in results.rounds)]
    others = (DJANGO, SQLADMIN, TEXTBOOK)
    largest = [
        key
        for key in results.rounds
        if key.size == results.sizes[-1] and not key.route.startswith(others)
    ]
    return sorted(largest, key=lambda key: (routes.index(key.route), key[1:]))


def _figures(results: Results, key: Key) -> tuple[str, ...]:
    load = results.load(key)
    assert load is not None
    by_size = (results.load(key._replace(size=size)) for size in results.sizes)
    return (
        f"{key.route} (floor)" if key.is_floor else key.route,
        str(key.clients),
        *(_milliseconds(each.p50) if each else "" for each in by_size),
        _milliseconds(load.p99),
        f"{load.rate:.1f}",
        _milliseconds(load.cpu),
        _milliseconds(load.database_cpu),
        _optional(results.share_of_floor(key), 2),
        _optional(results.times_list_floor(key), 1),
        _optional(results.growth(key), 2),
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f}"


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
