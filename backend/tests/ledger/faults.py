"""What goes wrong, one thing after the other, and somebody who watches whether it is ready."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from expenses.database.embedded import Server, postmaster, running
from expenses.database.engine import CONNECTIONS_PER_PROCESS
from tests.ledger.server import TIMEOUT, ServerProcess
from tests.ledger.writers import Writer

# Twice as many as the server has connections.
CROWD = 40
OURS = "datname = 'expenses' AND application_name = 'expenses'"
FIRST_CONNECTION = f"SELECT pid FROM pg_stat_activity WHERE {OURS} LIMIT 1"


@dataclass
class ReadinessMonitor:
    """Asks for `/ready` all the time."""

    server: ServerProcess
    seen: list[tuple[int | None, int]] = field(default_factory=list)
    _asked_at: float = 0

    async def watch(self) -> None:
        """Notes each change; 0 stands for no answer."""
        async with httpx.AsyncClient(base_url=self.server.address, timeout=10) as client:
            while True:
                asked_at, pid = time.monotonic(), self.server.pid
                try:
                    status = (await client.get("/ready")).status_code
                except httpx.TransportError:
                    status = 0
                if not self.seen or self.seen[-1] != (pid, status):
                    self.seen.append((pid, status))
                self._asked_at = asked_at
                await asyncio.sleep(0.02)

    async def wait_for(self, status: int) -> None:
        """As the answer to a question from now on, of the process that serves now."""
        pid, since = self.server.pid, time.monotonic()
        async with asyncio.timeout(TIMEOUT):
            while self._asked_at < since or self.seen[-1] != (pid, status):
                assert self.server.pid == pid, "The server has ended."
                await asyncio.sleep(0.01)

    @property
    def recoveries(self) -> int:
        """How often it went from red to green within the life of one process."""
        pairs = zip(self.seen, self.seen[1:], strict=False)
        return sum(
            before == (pid, 503) and status == 200 and pid is not None
            for before, (pid, status) in pairs
        )


class Faults:
    """Its own use of the data folder stands for whoever looks after the database."""

    def __init__(
        self,
        server: ServerProcess,
        monitor: ReadinessMonitor,
        crowd: list[Writer],
        counts: Counter[str],
    ) -> None:
        self.server, self.monitor, self.crowd, self.counts = server, monitor, crowd, counts
        self._stack = ExitStack()
        self.database: Server = self._stack.enter_context(running(server.data_dir))

    @property
    def all(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.terminate_connections,
            self.kill_server,
            self.exhaust_pool,
            self.kill_database,
            self.crash_connection,
        ]

    def close(self) -> None:
        self._stack.close()

    async def kill_server(self) -> None:
        self.server.kill()
        self.counts["kills of the server"] += 1
        await self.server.start()

    async def terminate_connections(self) -> None:
        """Several times, so that some are in the middle of something."""
        for _ in range(10):
            rows = await self.rows(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OURS}"
            )
            self.counts["terminated connections"] += len(rows)
            await asyncio.sleep(0.1)

    async def crash_connection(self) -> None:
        """PostgreSQL then ends all of them, and recovers."""
        bystander, ended = await self._connect(), asyncio.Event()
        bystander.add_termination_listener(lambda _: ended.set())
        for (pid,) in await bystander.fetch(FIRST_CONNECTION):
            os.kill(pid, signal.SIGKILL)
            self.counts["crashes of a connection"] += 1
            await asyncio.wait_for(ended.wait(), TIMEOUT)
        await bystander.close()
        await self.rows("SELECT")
        await self.monitor.wait_for(200)

    async def kill_database(self) -> None:
        """And start it again; the server is not touched and has to find it by itself."""
        found = postmaster.find(Path(self.server.data_dir, "postgres"))
        assert found is not None
        os.kill(found.pid, signal.SIGKILL)
        self.counts["kills of the database"] += 1
        await self.monitor.wait_for(503)
        self.database = await asyncio.to_thread(
            self._stack.enter_context, running(self.server.data_dir)
        )
        await self.monitor.wait_for(200)

    async def exhaust_pool(self) -> None:
        """Somebody holds the tickets, and more people ask for them than there are connections."""
        connection = await self._connect()
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE tickets IN ACCESS EXCLUSIVE MODE")
                crowd = [asyncio.create_task(one.look()) for one in self.crowd * CROWD]
                await self._until_all_wait(connection)
                self.counts["exhausted pools"] += 1
            answers = Counter(await asyncio.gather(*crowd))
        finally:
            await connection.close()
        assert set(answers) <= {200, 503}, answers

    async def _until_all_wait(self, connection: Any) -> None:
        query = f"SELECT count(*) FROM pg_stat_activity WHERE {OURS} AND wait_event_type = 'Lock'"
        async with asyncio.timeout(TIMEOUT):
            while await connection.fetchval(query) < CONNECTIONS_PER_PROCESS:
                # Within a transaction the numbers would stay as they are.
                await connection.execute("SELECT pg_stat_clear_snapshot()")
                await asyncio.sleep(0.02)

    async def rows(self, query: str) -> list[Any]:
        connection = await self._connect()
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    async def _connect(self) -> Any:
        """As soon as the database takes connections."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                with suppress(
                    asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError, OSError
                ):
                    return await asyncpg.connect(
                        host=str(self.database.socket_dir), user="postgres", database="expenses"
                    )
                await asyncio.sleep(0.02)
