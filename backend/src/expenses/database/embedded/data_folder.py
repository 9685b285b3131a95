"""The data folder: its locks, and files that only their owner can read."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from expenses.errors import CannotStart


def prepare(data_dir: Path) -> Path:
    """Create the folder and return its absolute path. Raises `CannotStart`."""
    with explained_errors(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        data_dir = data_dir.resolve()
        for name in ("postgres.lock", "postgres.users", "postgres.log"):
            open_private(data_dir / name).close()
    return data_dir


def open_private(path: Path) -> IO[bytes]:
    """Open a file to append to or to lock. Locks end with the process, however it ends."""
    return open(path, "ab", buffering=0, opener=partial(os.open, mode=0o600))


@contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Let only one process at a time start or stop the server."""
    with open_private(data_dir / "postgres.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def explained_errors(data_dir: Path) -> Iterator[None]:
    """Turn an `OSError` into a `CannotStart` that says what to do."""
    try:
        yield
    except OSError as error:
        raise CannotStart(
            "The data folder %(path)s cannot be used (%(problem)s: %(file)s). "
            "Set DATA_DIR to another one.",
            path=data_dir,
            problem=error.strerror,
            file=error.filename or data_dir,
        ) from error


def sync(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
