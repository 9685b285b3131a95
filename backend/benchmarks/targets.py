"""The targets, and whether they are met: as ratios within one run, whatever the machine."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import NamedTuple

from benchmarks.results import FIRST_LIST, Measured, Results

USUAL_SIZE = 1_000_000
MEGABYTE = 10**6

LIST_SHARES = {"1": 0.5, "8": 0.4}
WRITE_SHARES = {"1": 0.5, "8": 0.5}
MOST_GROWTH = 1.3
CONSOLE_TIMES, OVERVIEW_TIMES = 25, 250
FIRST_BYTE_SECONDS, EXPORT_MEGABYTES = 1.0, 100
HEALTH_SECONDS = 0.05
# Of what hashing alone comes to; the rest is the noise between two measurements.
FULL_RATE = 0.9
WORKER_MEGABYTES = 150


class Target(NamedTuple):
    what: str
    wanted: str
    measured: str
    is_met: bool


def targets(results: Results) -> list[Target]:
    """Those whose routes were measured."""
    return [
        *_failures(results),
        *_shares(results, "API list, first page", LIST_SHARES),
        *_shares(results, "API list, deep page", LIST_SHARES),
        *_shares(results, "API ticket", LIST_SHARES),
        *_shares(results, "API create", WRITE_SHARES),
        *_shares(results, "API approve", WRITE_SHARES),
        *_growth(results),
        *_times(
            results, "console list, any tab, depth, order", results.console_tabs, CONSOLE_TIMES
        ),
        *_times(results, "console overview", {"console overview"}, OVERVIEW_TIMES),
        *_export(results),
        *_log_ins(results),
        *_memory(results),
    ]


def _failures(results: Results) -> Iterator[Target]:
    if results.failures:
        wanted = "the expected answers from every route"
        yield Target("answers", wanted, f"not from {len(results.failures)}, see below", False)


def _usual_size(results: Results) -> int:
    return USUAL_SIZE if USUAL_SIZE in results.sizes else max(results.sizes)


def _shares(results: Results, route: str, least: dict[str, float]) -> Iterator[Target]:
    for clients, share in least.items():
        found = {size: results.of_floor(Measured(route, size, clients)) for size in results.sizes}
        known = {size: value for size, value in found.items() if value is not None}
        if known:
            yield Target(
                f"{route}, clients: {clients}",
                f"at least {share} of its floor",
                "; ".join(f"{value:.2f} at {size:,}" for size, value in known.items()),
                min(known.values()) >= share,
            )


def _growth(results: Results) -> Iterator[Target]:
    size = _usual_size(results)
    yield from _worst(
        results,
        f"growth of p50 to {size:,} tickets, every list",
        f"at most {MOST_GROWTH}",
        results.lists,
        lambda route: results.growth(Measured(route, size, "1")),
        MOST_GROWTH,
    )


def _times(results: Results, what: str, routes: set[str], most: float) -> Iterator[Target]:
    size = _usual_size(results)
    floor = results.load(Measured(FIRST_LIST, size, "1", is_floor=True))
    if floor is not None:
        yield from _worst(
            results,
            f"{what} at {size:,}",
            f"p50 at most {most} times the list floor's {floor.p50 * 1000:.2f} ms",
            routes,
            lambda route: results.times_list_floor(Measured(route, size, "1")),
            most,
        )


def _worst(
    results: Results,
    what: str,
    wanted: str,
    routes: set[str],
    value_of: Callable[[str], float | None],
    most: float,
) -> Iterator[Target]:
    """One line for all routes: how many exceed the limit, and the one that is farthest off."""
    values = {route: value for route in routes if (value := value_of(route)) is not None}
    # Whatever does not answer is slower than any limit.
    silent = {route for route, _ in results.failures} & routes
    if not values and not silent:
        return
    over = sum(value > most for value in values.values()) + len(silent)
    measured = f"{over} of {len(values | dict.fromkeys(silent))} above"
    if values:
        worst = max(values, key=lambda route: values[route])
        measured += f"; most measured: {values[worst]:.2f} ({worst})"
    yield Target(what, wanted, measured, over == 0)


def _export(results: Results) -> Iterator[Target]:
    export = results.export
    if export is None:
        return
    what = f"export of {export.rows:,} rows"
    yield Target(
        f"{what}, first byte",
        f"within {FIRST_BYTE_SECONDS:.0f} s",
        f"{export.first_byte * 1000:.0f} ms",
        export.first_byte <= FIRST_BYTE_SECONDS,
    )
    yield Target(
        f"{what}, growth of memory",
        f"below {EXPORT_MEGABYTES} MB",
        f"{export.growth / MEGABYTE:.0f} MB",
        export.growth < EXPORT_MEGABYTES * MEGABYTE,
    )
    yield Target(
        f"{what}, /health meanwhile",
        f"within {HEALTH_SECONDS * 1000:.0f} ms",
        f"p50 {export.health.p50 * 1000:.1f} ms, p99 {export.health.p99 * 1000:.1f} ms, "
        f"longest {export.health.longest * 1000:.1f} ms",
        export.health.longest <= HEALTH_SECONDS,
    )


def _log_ins(results: Results) -> Iterator[Target]:
    if not results.log_ins:
        return
    share = median(found.load.rate / found.hashing for found in results.log_ins)
    rate = median(found.load.rate for found in results.log_ins)
    hashing = median(found.hashing for found in results.log_ins)
    yield Target(
        "8 log-ins at once",
        f"at least {FULL_RATE} of what hashing alone comes to",
        f"{share:.2f} ({rate:.2f}/s of {hashing:.2f}/s)",
        share >= FULL_RATE,
    )
    p99 = median(found.health.p99 for found in results.log_ins)
    yield Target(
        "8 log-ins at once, /health meanwhile",
        f"p99 below {HEALTH_SECONDS * 1000:.0f} ms",
        f"{p99 * 1000:.1f} ms",
        p99 < HEALTH_SECONDS,
    )


def _memory(results: Results) -> Iterator[Target]:
    if results.memory:
        yield Target(
            "memory of a worker after the whole run",
            f"below {WORKER_MEGABYTES} MB",
            "; ".join(
                f"{held / MEGABYTE:.0f} MB at {size:,}" for size, held in results.memory.items()
            ),
            max(results.memory.values()) < WORKER_MEGABYTES * MEGABYTE,
        )
