"""The machine and the versions behind the figures, without anything that names the machine."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

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


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
