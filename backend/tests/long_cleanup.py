"""A test run leaves nothing behind, even one that is killed."""

import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import psutil

from tests.cleanup import VARIABLE

SECONDS = 60
# Runs until it is ended; says where its temporary files are, and the number of its PostgreSQL.
RUN = """
import tempfile, time, unittest
from pathlib import Path
from tests.harness import server
class Waiting(unittest.TestCase):
    def test(self):
        postmaster = server().socket_dir.with_name("postgres") / "postmaster.pid"
        print(tempfile.gettempdir(), postmaster.read_text().split()[0], flush=True)
        time.sleep(3600)
unittest.main()
"""


class EndedRuns(unittest.TestCase):
    def test_leave_no_postgresql_and_no_files_behind(self) -> None:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        runs = [self.start() for _ in numbers]
        for number, run in zip(numbers, runs, strict=True):
            assert run.stdout is not None
            folder, pid = run.stdout.readline().split()
            with self.subTest(signal=number.name):
                postmaster = psutil.Process(int(pid))
                run.send_signal(number)
                self.assertNotEqual(run.wait(SECONDS), 0)
                postmaster.wait(SECONDS)
                deadline = time.monotonic() + SECONDS
                while Path(folder).exists():
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)

    def start(self) -> "subprocess.Popen[str]":
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        run = subprocess.Popen(
            [sys.executable, "-c", RUN],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.enterContext(run)
        self.addCleanup(run.kill)
        return run
