"""The observation of each request: its id, a log line, metrics and a span."""

import logging
import time
from contextlib import nullcontext
from random import getrandbits

from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from expenses.database.engine import Database
from expenses.observability.logs import request_id
from expenses.observability.metrics import REQUESTS, set_connections
from expenses.observability.traces import Traces, finish_span

# Anybody can send others.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

logger = logging.getLogger(__name__)


class InstrumentationMiddleware:
    """Logs paths without their query, and counts by route: both hold what people search for."""

    def __init__(
        self, app: ASGIApp, *, measured: Database | None = None, traces: Traces | None = None
    ) -> None:
        self.app = app
        self.measured = measured
        self.traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        # To be found again, not to be kept secret.
        number = f"{getrandbits(64):016x}"
        context = request_id.set(number)
        scope.setdefault("state", {})
        method = scope["method"] if scope["method"] in METHODS else "other"
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            await send(message)

        error: Exception | None = None
        span = self.traces.request_span(method, Headers(scope=scope)) if self.traces else None
        with span or nullcontext() as current_span:
            try:
                await self.app(scope, receive, send_with_id)
            except Exception as raised:
                error = raised
                raise
            finally:
                seconds = time.perf_counter() - began
                _log(scope, status, seconds)
                if self.measured is not None:
                    labels = (method, _route_of(scope) or "none", str(status or "none"))
                    REQUESTS.labels(*labels).observe(seconds)
                    set_connections(self.measured.connections())
                if current_span is not None:
                    finish_span(current_span, method, _route_of(scope), status, error)
                request_id.reset(context)


def _log(scope: Scope, status: int | None, seconds: float) -> None:
    user = scope["state"].get("user")
    facts = {
        "status": status,
        "user": user.id if user else None,
        "address": scope["client"][0] if scope.get("client") else None,
        "ms": round(seconds * 1000, 1),
    }
    logger.info("%s %s", scope["method"], scope["path"], extra={"fields": facts})


def _route_of(scope: Scope) -> str | None:
    """Return the path that was routed, with the names of what varies in it, not the values."""
    mount: str = scope.get("root_path", "")
    route = scope.get("route")
    return f"{mount}{route.path}" if isinstance(route, Route) else mount or None
