"""nginx with the configuration that the product ships, in front of several processes."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.servers import STOP_TIMEOUT, free_port, wait_until_ready
from expenses.errors import CannotStart

CONFIGURATION = Path(__file__).parents[1] / "deploy" / "nginx.conf"
# On many systems, only root has this in its path.
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
# Each kind of file that nginx writes on the way, also where it is told to write none.
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def ensure_nginx() -> str:
    """Raises `CannotStart` where nginx is not installed."""
    found = shutil.which("nginx", path=PATH)
    if found is None:
        raise CannotStart(
            "The benchmark needs nginx: apt-get install nginx, or brew install nginx."
        )
    return found


@contextmanager
def nginx(addresses: Sequence[str], folder: Path) -> Iterator[str]:
    """Start nginx, with its files in the folder, and return its address."""
    port, configuration, log = free_port(), folder / "nginx.conf", folder / "nginx.log"
    configuration.write_text(_adapted(addresses, port, folder))
    # As root, nginx would become another user, who may not write to the folder.
    options = f"daemon off; user root; pid {folder}/nginx.pid;"
    command = (ensure_nginx(), "-c", str(configuration), "-e", str(log), "-g", options)
    process = subprocess.Popen(command)  # noqa: S603
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_ready(process, f"{address}/health", log)
        yield address
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT)


def _adapted(addresses: Sequence[str], port: int, folder: Path) -> str:
    """Replace what is there in a container alone: its names and folders."""
    servers = " ".join(f"server {address.removeprefix('http://')};" for address in addresses)
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in TEMPORARY)
    text = CONFIGURATION.read_text()
    for shipped, here in (
        ("http {", f"http {{ access_log off; {paths} upstream processes {{ {servers} }}"),
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("http://app:8000;", "http://processes;"),
        ("/var/cache/nginx/", f"{folder}/"),
    ):
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    return text
