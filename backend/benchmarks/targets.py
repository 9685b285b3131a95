"""The targets, and whether they are met: ratios within one run, so that any machine will do."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.results import Key, Results
from benchmarks.routes import APPROVE, CREATE, DEEP_LIST, FIRST_LIST, RECEIPT, TICKET

KILOBYTE, MEGABYTE = 10**3, 10**6

# By the number of clients.
READS, WRITES = {1: 0.55, 8: 0.38}, {1: 0.45, 8: 0.35}
SHARES_OF_FLOOR = {
    **dict.fromkeys((FIRST_LIST, DEEP_LIST, TICKET), READS),
    **dict.fromkeys((CREATE, APPROVE), WRITES),
    RECEIPT: {1: 0.70},
}
MIN_SHARE_OF_WRITING = 0.6
USUAL_SIZE = 1_000_000
# Up to the usual size, and beyond it.
MAX_GROWTH, MAX_GROWTH_BEYOND = 1.3, 1.5
# With a regular expression for the titles.
MAX_TIMES_LIST_FLOOR = (
    ("list or queue of the console", r"console (list|queue)(?!, search|, one emp)", 20),
    ("list of the portal", "portal list", 10),
)
MAX_OVERVIEW_TIMES_LIST_FLOOR = 60
MAX_FIRST_BYTE_MS, MAX_HEALTH_MS = 1000, 50
MAX_TIMES_P50 = 20
# Below it, the crowd waits for the machine, and p50 says nothing.
MIN_SHARE_OF_PAGES = 0.9
MAX_PAGE_KB, MAX_FRAGMENT_KB = 60, 8
MAX_EXPORT_MB, MAX_WORKER_MB = 100, 130
# The rest is the noise between two measurements.
MIN_SHARE_OF_HASHING = 0.9


class Target(NamedTuple):
    what: str
    wanted: str
    measured: str
    is_met: bool


def usual_size(sizes: Sequence[int]) -> int:
    """Return the size at which companies are compared, or the next smaller one."""
    return max((size for size in sizes if size <= USUAL_SIZE), default=sizes[0])


def targets(results: Results) -> list[Target]:
    """Check what was measured."""
    return [
        *_shares_of_floor(results),
        *_growth(results),
        *_times_list_floor(results),
        *_export(results),
        *_log_ins(results),
        *_busy(results),
        *_crowd(results),
        *_uploads(results),
        *_page_sizes(results),
        *_memory(results),
    ]


def _shares_of_floor(results: Results) -> Iterator[Target]:
    for route, by_clients in SHARES_OF_FLOOR.items():
        for clients, wanted in by_clients.items():
            for size in results.sizes:
                share = results.share_of_floor(Key(route, size, clients))
                if share is not None:
                    what = f"{route}, share of the floor, clients: {clients}, tickets: {size:,}"
                    yield Target(what, f"at least {wanted:.2f}", f"{share:.2f}", share >= wanted)


def _growth(results: Results) -> Iterator[Target]:
    for size in results.sizes[1:]:
        limit = MAX_GROWTH if size <= USUAL_SIZE else MAX_GROWTH_BEYOND
        what, pattern = "lists and hints, growth of p50", " (list|queue|due)"
        yield from _worst(what, results, size, pattern, results.growth, limit)


def _times_list_floor(results: Results) -> Iterator[Target]:
    """Check the lists at the usual size, and the overview at the largest."""
    usual, largest = usual_size(results.sizes), results.sizes[-1]
    for what, size, pattern, limit in (
        *((what, usual, pattern, limit) for what, pattern, limit in MAX_TIMES_LIST_FLOOR),
        ("overview", largest, "console overview", MAX_OVERVIEW_TIMES_LIST_FLOOR),
    ):
        what = f"{what}, p50 as a multiple of the list's floor"
        yield from _worst(what, results, size, pattern, results.times_list_floor, limit)


def _worst(
    what: str,
    results: Results,
    size: int,
    pattern: str,
    ratio: Callable[[Key], float | None],
    limit: float,
) -> Iterator[Target]:
    """Check the routes whose title matches by the worst of them."""
    titles = {key.route for key in results.rounds if re.search(pattern, key.route)}
    ratios = [(value, title) for title in titles if (value := ratio(Key(title, size, 1)))]
    if ratios:
        worst, title = max(ratios)
        above = sum(value > limit for value, _ in ratios)
        measured = f"{worst:.2f} ({title}); {above} of {len(ratios)} above"
        yield Target(f"{what}, tickets: {size:,}", f"at most {limit}", measured, above == 0)


def _export(results: Results) -> Iterator[Target]:
    if (export := results.export) is not None:
        what = f"CSV of {export.rows:,} tickets in {export.total:.1f} s"
        yield _limited(f"{what}, first byte", export.first_byte * 1000, MAX_FIRST_BYTE_MS, "ms")
        yield _limited(f"{what}, memory", export.memory / MEGABYTE, MAX_EXPORT_MB, "MB")
        yield _limited(f"{what}, /health beside it, p99", export.health * 1000, MAX_HEALTH_MS, "ms")


def _log_ins(results: Results) -> Iterator[Target]:
    if (log_ins := results.log_ins) is not None:
        what = "8 log-ins at once"
        share = log_ins.rate / log_ins.hashing
        yield Target(
            f"{what}, share of hashing alone",
            f"at least {MIN_SHARE_OF_HASHING}",
            f"{share:.2f} ({log_ins.rate:.2f}/s of {log_ins.hashing:.2f}/s)",
            share >= MIN_SHARE_OF_HASHING,
        )
        yield _limited(
            f"{what}, /health beside them, p99", log_ins.health * 1000, MAX_HEALTH_MS, "ms"
        )


def _busy(results: Results) -> Iterator[Target]:
    if (export := results.busy) is not None:
        what = f"/health while 8 log in, 4 upload receipts and {export.rows:,} tickets are exported"
        yield _limited(f"{what}, p99", export.health * 1000, MAX_HEALTH_MS, "ms")


def _crowd(results: Results) -> Iterator[Target]:
    if (crowd := results.crowd) is not None:
        what = f"{crowd.users:,} open browsers on two processes"
        errors = f"{crowd.errors} of {crowd.pages:,}"
        yield Target(f"{what}, errors", "none", errors, crowd.errors == 0)
        share = crowd.rate / crowd.wanted_rate
        yield Target(
            f"{what}, pages opened of those they would without waiting",
            f"at least {MIN_SHARE_OF_PAGES}",
            f"{share:.2f} ({crowd.rate:.1f}/s of {crowd.wanted_rate:.1f}/s)",
            share >= MIN_SHARE_OF_PAGES,
        )
        p50, p99 = crowd.p50 * 1000, crowd.p99 * 1000
        multiple = f"{p99 / p50:.1f} ({p99:.0f} of {p50:.0f} ms)"
        wanted = f"at most {MAX_TIMES_P50}"
        yield Target(
            f"{what}, p99 as a multiple of p50", wanted, multiple, p99 <= MAX_TIMES_P50 * p50
        )


def _uploads(results: Results) -> Iterator[Target]:
    if (uploads := results.uploads) is not None:
        for floor, seconds in (
            ("writing it to the storage", uploads.writing),
            ("looking into it and writing it", uploads.reading),
        ):
            share = seconds / uploads.application
            yield Target(
                f"upload of 1 MB, share of {floor}",
                f"at least {MIN_SHARE_OF_WRITING}",
                f"{share:.2f} ({seconds * 1000:.0f} of {uploads.application * 1000:.0f} ms)",
                share >= MIN_SHARE_OF_WRITING,
            )


def _page_sizes(results: Results) -> Iterator[Target]:
    if (sizes := results.page_sizes) is not None:
        yield _limited("50 rows of the console", sizes.page / KILOBYTE, MAX_PAGE_KB, "KB")
        what = "what comes back after a decision"
        yield _limited(what, sizes.fragment / KILOBYTE, MAX_FRAGMENT_KB, "KB")


def _memory(results: Results) -> Iterator[Target]:
    for size, memory in results.memory.items():
        what = f"memory of a worker after the run, tickets: {size:,}"
        yield _limited(what, memory / MEGABYTE, MAX_WORKER_MB, "MB")


def _limited(what: str, value: float, limit: float, unit: str) -> Target:
    return Target(what, f"at most {limit} {unit}", f"{value:.0f} {unit}", value <= limit)
