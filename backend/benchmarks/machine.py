"""What the figures were measured on. Nothing in it tells which machine it is."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from expenses.errors import CannotStart

PACKAGES = ("asyncpg", "fastapi", "pydantic", "sqladmin", "sqlalchemy", "starlette", "uvicorn")


def describe(postgres: str) -> dict[str, str]:
    """By name, ready to be printed."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "Python": platform.python_version(),
        "PostgreSQL": postgres,
        "wrk": _wrk_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def wrk() -> str:
    """The load generator. Raises `CannotStart` where it is not installed."""
    found = shutil.which("wrk")
    if found is None:
        raise CannotStart(
            "wrk, which makes the load, is not installed. On Debian and Ubuntu: "
            "apt-get install wrk. On macOS: brew install wrk."
        )
    return found


def _wrk_version() -> str:
    # It prints how it is used, too, and ends with status 1.
    said = subprocess.run([wrk(), "-v"], capture_output=True, text=True, check=False)  # noqa: S603
    return (said.stdout or said.stderr).split(" [")[0].removeprefix("wrk ").strip()


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    if about.exists():
        for line in about.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
