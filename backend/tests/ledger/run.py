"""All of it for some time, and what came of it."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

from tests.ledger.faults import Faults, ReadinessMonitor
from tests.ledger.reconciliation import discrepancies
from tests.ledger.server import ServerProcess
from tests.ledger.writers import Ledger, Staff, register_staff

FAULTS = {
    "kills of the server",
    "terminated connections",
    "exhausted pools",
    "kills of the database",
    "crashes of a connection",
}
# Between two faults, so that things are calm for a moment.
PAUSE = 0.5


class Outcome(NamedTuple):
    counts: dict[str, int]
    discrepancies: list[str]
    log: str


async def run(seconds: float) -> Outcome:
    """Inject each of the faults at least once, even where that takes longer."""
    with tempfile.TemporaryDirectory(prefix="expenses-ledger-") as folder:
        server, ledger = ServerProcess(Path(folder) / "data"), Ledger()
        await server.start()
        try:
            staff = await register_staff(server.address, ledger)
            found = await _run_faults(server, staff, ledger, seconds)
            await staff.close()
            status = server.stop()
        finally:
            server.kill()
        assert status == 0, server.log.read_text()[-2000:]
        return Outcome(dict(ledger.counts), found, server.log.read_text())


async def _run_faults(
    server: ServerProcess, staff: Staff, ledger: Ledger, seconds: float
) -> list[str]:
    monitor = ReadinessMonitor(server)
    faults = Faults(server, monitor, staff.employers[:1], ledger.counts)
    watching = asyncio.create_task(monitor.watch())
    going = True
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(staff.work(lambda: going))
            await _inject(faults.all, seconds)
            going = False
        ledger.counts["tickets"] = len(ledger.filed)
        ledger.counts["receipts"] = len(ledger.receipts)
        ledger.counts["decided tickets"] = len(ledger.decided)
        ledger.counts["payment runs"] = len(ledger.runs)
        ledger.counts["times it was ready again by itself"] = monitor.recoveries
        return await discrepancies(faults.rows, ledger, server.data_dir / "receipts")
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        faults.close()


async def _inject(faults: Sequence[Callable[[], Awaitable[None]]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for number, act in enumerate(cycle(faults)):
        if number >= len(faults) and time.monotonic() > deadline:
            return
        await asyncio.sleep(PAUSE)
        await act()
