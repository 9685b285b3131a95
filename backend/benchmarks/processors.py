"""The processor time that answers take: it tells how many one machine can give, and says nearly the
same however busy that machine is with other things."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil


class Spent(NamedTuple):
    """In seconds; `server` by the process that answers, `database` by all of PostgreSQL's."""

    server: float
    database: float


@dataclass(frozen=True)
class Clock:
    """What was spent until now, by a server and by the PostgreSQL in a data folder."""

    server: int
    data_dir: Path

    def read(self) -> Spent:
        server = psutil.Process(self.server).cpu_times()
        main = psutil.Process(int(self._pid_file.read_text().split()[0]))
        times = main.cpu_times()
        # Of its processes, those that have ended are added to the first one.
        database = times.user + times.system + times.children_user + times.children_system
        for child in main.children():
            # Some end just now.
            with suppress(psutil.NoSuchProcess):
                its = child.cpu_times()
                database += its.user + its.system
        return Spent(server.user + server.system, database)

    @property
    def _pid_file(self) -> Path:
        return self.data_dir / "postgres" / "postmaster.pid"
