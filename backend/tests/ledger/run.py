"""All of it for some time, and what came of it."""

import asyncio
import tempfile
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from tests.ledger.chaos import Chaos, Watcher
from tests.ledger.reckoning import differences
from tests.ledger.serving import Serving
from tests.ledger.writers import Ledger, Staff, hire

KINDS = {
    "kills of the server",
    "terminated connections",
    "exhausted pools",
    "kills of the database",
    "crashes of a connection",
}
# Between two faults, so that things are calm for a moment.
REST = 0.5


class Outcome(NamedTuple):
    counts: dict[str, int]
    differences: list[str]
    log: str


async def run(seconds: float) -> Outcome:
    """Each kind of fault happens at least once, even where that takes longer."""
    with tempfile.TemporaryDirectory(prefix="expenses-ledger-") as folder:
        serving, ledger = Serving(Path(folder) / "data"), Ledger()
        await serving.start()
        try:
            staff = await hire(serving.address, ledger)
            found = await _chaos(serving, staff, ledger, seconds)
            await staff.close()
            status = serving.stop()
        finally:
            serving.kill()
        assert status == 0, serving.log.read_text()[-2000:]
        return Outcome(dict(ledger.counts), found, serving.log.read_text())


async def _chaos(serving: Serving, staff: Staff, ledger: Ledger, seconds: float) -> list[str]:
    watcher = Watcher(serving)
    chaos = Chaos(serving, watcher, staff.employers[:1], ledger.counts)
    watching = asyncio.create_task(watcher.watch())
    going = True
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(staff.work(lambda: going))
            await _one_after_the_other(chaos, seconds)
            going = False
        ledger.counts["tickets"] = len(ledger.filed)
        ledger.counts["decided tickets"] = len(ledger.decided)
        ledger.counts["times it was ready again by itself"] = watcher.recoveries
        return await differences(chaos.rows, ledger)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        chaos.close()


async def _one_after_the_other(chaos: Chaos, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for number, act in enumerate(cycle(chaos.acts)):
        if number >= len(chaos.acts) and time.monotonic() > deadline:
            return
        await asyncio.sleep(REST)
        await act()
