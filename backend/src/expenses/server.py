"""Running uvicorn: one process or several, and how they end."""

import gc
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import connection, parent_process
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from expenses.errors import CannotStart
from expenses.observability.logs import configuration
from expenses.settings import LogFormat

# How long requests under way may take to finish once the server is told to stop.
SHUTDOWN_SECONDS = 10


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Take the port before anything else is started."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its name: otherwise Python's own event loop holds small packets back for 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CannotStart(
                "Cannot listen on %(host)s:%(port)s: %(problem)s. Choose another --port.",
                host=host,
                port=port,
                problem=error.strerror,
            ) from error
        yield listener


def serve(
    listener: socket.socket,
    *,
    workers: int,
    log_format: LogFormat,
    is_measured: bool,
    is_demo: bool = False,
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. The environment must name database and secret key.

    `is_measured` has several workers count together; `is_demo` adds the style guide.
    """
    config = uvicorn.Config(
        "expenses.server:create_demo" if is_demo else "expenses.server:create_worker",
        factory=True,
        workers=workers,
        log_config=configuration(log_format),
        # An error at startup ends the server; "auto" would take it for missing support.
        lifespan="on",
        # The application writes its own log lines.
        access_log=False,
        # Otherwise a client on this machine could claim any address with X-Forwarded-For.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    # Ctrl-C and SIGTERM are raised once more after everything has been shut down.
    with suppress(KeyboardInterrupt, SystemExit):
        if workers == 1:
            uvicorn.Server(config).run(sockets=[listener])
        else:
            with _counting_together() if is_measured else nullcontext():
                _Workers(config, sockets=[listener]).run()


def create_demo() -> ASGIApp:
    """Create the application of the demo, which has the style guide, too."""
    from expenses.app import create_app
    from expenses.styleguide import router

    app = create_app()
    app.include_router(router)
    return app


def create_worker() -> ASGIApp:
    """Create the application of one server process."""
    # What is there when everything is imported stays for as long as the process lives. Looking
    # through it meanwhile, or at each full collection later, would take a tenth of a second each.
    gc.disable()
    # Imported here: neither the parent of several workers nor another command needs all of it.
    from expenses.app import create_app

    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    app = create_app()
    gc.collect()
    gc.freeze()
    gc.enable()
    return app


@contextmanager
def _counting_together() -> Iterator[None]:
    """Whichever worker is asked for the metrics finds there what the others have counted."""
    with TemporaryDirectory(prefix="expenses-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


class _Workers(Multiprocess):
    def handle_hup(self) -> None:
        """A closed terminal ends the server; uvicorn would restart its processes."""
        self.handle_term()

    def terminate_all(self) -> None:
        # As long as one process listens, the system takes new connections, which nobody answers.
        for listener in self.sockets:
            listener.close()
        super().terminate_all()


def _end_with(parent: Any) -> None:
    """A parent that was killed cannot stop its workers, and they would keep the port."""
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
