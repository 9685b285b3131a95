"""Ends every process that a test run has started and removes its files, however the run ends.

A process of its own does that: a run that is killed could not.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

# Names the folder of the run in the environment of every process that it starts.
VARIABLE = "EXPENSES_TEST_RUN"
SECONDS_TO_STOP = 20


def prepare() -> None:
    """Give this run a folder for temporary files, and start the process that will clean up."""
    if VARIABLE in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="expenses-tests-")
    os.environ |= {VARIABLE: folder, "TMPDIR": folder}
    tempfile.tempdir = folder
    cleaner = subprocess.Popen(
        [sys.executable, __file__, folder, str(os.getpid())],
        stdin=subprocess.PIPE,
        # Or Ctrl-C in the terminal would end it, too.
        start_new_session=True,
    )
    atexit.register(cleaner.communicate)


def clean_up(folder: Path, run_pid: int) -> None:
    """Wait for the end of the run, which closes the pipe to this process."""
    sys.stdin.read()
    spared = (run_pid, os.getpid())
    processes = [
        process
        for process in psutil.process_iter()
        if process.pid not in spared and _belongs_to_run(process, folder)
    ]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            # PostgreSQL takes SIGTERM as "when everyone has disconnected".
            is_postgres = process.name() == "postgres"
            process.send_signal(signal.SIGINT if is_postgres else signal.SIGTERM)
    deadline = time.monotonic() + SECONDS_TO_STOP
    while any(map(_is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def _belongs_to_run(process: psutil.Process, folder: Path) -> bool:
    with suppress(psutil.Error, OSError):
        if process.environ().get(VARIABLE) == str(folder):
            return True
        return Path(process.cwd()).is_relative_to(folder)
    return False


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


if __name__ == "__main__":
    clean_up(Path(sys.argv[1]), int(sys.argv[2]))
