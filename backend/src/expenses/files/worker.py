"""Reads a file in a process of its own, which a hostile file can exhaust without harm.

A kilobyte can claim a picture of a billion pixels, or a sheet of 17 billion cells.
"""

import json
import logging
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Any

MAX_MEMORY = 512 * 1024 * 1024
# Of a processor's time; how long it waits for its turn on one is not its fault.
MAX_SECONDS = 10
MAX_WAIT = 60

DAMAGED, TOO_LARGE, TOO_SLOW = "damaged", "too large", "too slow"

logger = logging.getLogger(__name__)
# Each may take as much memory as it is allowed.
_turns = BoundedSemaphore(2)


class Unreadable(Exception):
    """`problem` says why, in a word that both processes know."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def read_apart(module: str, content: bytes, *arguments: str) -> Any:
    """Run a module that calls `answer`, and return what it has read. Raises `Unreadable`."""
    command = [sys.executable, "-P", "-m", module, *arguments]
    try:
        with _turns:
            ended = subprocess.run(
                command,
                input=content,
                capture_output=True,
                timeout=MAX_WAIT,
                env=_without_secrets(),
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise Unreadable(TOO_SLOW) from None
    if ended.returncode < 0:
        raise Unreadable(TOO_SLOW if -ended.returncode == signal.SIGXCPU else TOO_LARGE)
    if ended.returncode:
        logger.error("%s failed: %s", module, ended.stderr.decode(errors="replace")[-2000:])
        raise Unreadable(DAMAGED)
    answered = json.loads(ended.stdout)
    if problem := answered.get("problem"):
        raise Unreadable(problem)
    return answered["read"]


def answer(read: Callable[[bytes], Any]) -> None:
    """Read standard input within the limits, and write what was read to standard output."""
    _limit_resources()
    answered: dict[str, Any]
    try:
        answered = {"read": read(sys.stdin.buffer.read())}
    except Unreadable as unreadable:
        answered = {"problem": unreadable.problem}
    except MemoryError:
        answered = {"problem": TOO_LARGE}
    json.dump(answered, sys.stdout)


def _without_secrets() -> dict[str, str]:
    """Leave out what the settings hold: passwords of the database and of the mail server."""
    kept = ("PYTHON", "LD_", "DYLD_")
    return {name: value for name, value in os.environ.items() if name.startswith(kept)}


def _limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The first limit says why the process ends, the second makes sure that it does.
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS + 1))
    # Not to be had on a Mac.
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
