"""A real PgBouncer in transaction mode, in front of the tests' PostgreSQL."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import SkipTest

import psutil
from sqlalchemy import make_url

from expenses.database import embedded
from tests.command_line import free_port
from tests.harness import server

# Far fewer than those who ask for one: what is left on a connection would soon be found by others.
CONNECTIONS = 2

SETTINGS = """
[databases]
* = host={socket_dir} port=5432 user=postgres

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
pidfile = {folder}/pgbouncer.pid
logfile = {folder}/pgbouncer.log
"""


@contextmanager
def pgbouncer() -> Iterator[int]:
    """Its port on 127.0.0.1. CI has one; elsewhere the test is skipped without one."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            raise RuntimeError("CI needs pgbouncer for the tests of the pooler.")
        raise SkipTest("no pgbouncer found: install it to run the tests of the pooler")
    with tempfile.TemporaryDirectory() as folder:
        port, file = free_port(), Path(folder, "pgbouncer.ini")
        file.write_text(
            SETTINGS.format(
                socket_dir=server().socket_dir, port=port, folder=folder, connections=CONNECTIONS
            )
        )
        command = [program, "--quiet", str(file)]
        if os.geteuid() == 0:
            # It does not run as root either, and the socket is in a folder of root's.
            launcher = str(Path(embedded.__file__).with_name("launch.py"))
            command = [sys.executable, "-I", "-S", launcher, *command]
        process = subprocess.Popen(command)
        try:
            _wait_until_it_listens(process, port)
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()


def through(port: int, address: str) -> str:
    """The address of the same database behind the pooler."""
    url = make_url(address)
    behind = url.set(host="127.0.0.1", port=port, query={})
    return behind.render_as_string(hide_password=False)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        if any(
            connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
            for connection in psutil.Process(process.pid).net_connections("tcp")
        ):
            return
        time.sleep(0.05)
    raise AssertionError("pgbouncer has not started")
