"""The machine and the versions behind the figures, without anything that names the machine."""

import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

import psutil

from expenses.errors import CannotStart

PACKAGES = ("asyncpg", "fastapi", "pydantic", "sqladmin", "sqlalchemy", "starlette", "uvicorn")


def describe(postgres: str) -> dict[str, str]:
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "Python": platform.python_version(),
        "PostgreSQL": postgres,
        "libraries": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def wrk() -> str:
    """Return the path of wrk. Raises `CannotStart` where it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise CannotStart(
            "The benchmark needs wrk. On Debian and Ubuntu: apt-get install wrk. "
            "On macOS: brew install wrk."
        )
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
