"""One line in the log for each request, and the number that leads to it."""

import logging
import time
from random import getrandbits

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from expenses.observability.logs import request_id

logger = logging.getLogger(__name__)


class RequestLogMiddleware:
    """The path is written down without its query, which holds what people look for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        # To be found again, not to be kept secret.
        number = f"{getrandbits(64):016x}"
        state = scope.setdefault("state", {})
        status: int | None = None

        async def note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode())]
            await send(message)

        context = request_id.set(number)
        try:
            await self.app(scope, receive, note_status)
        finally:
            user = state.get("user")
            logger.info(
                "%s %s",
                scope["method"],
                scope["path"],
                extra={
                    "fields": {
                        "status": status,
                        "user": user.id if user else None,
                        "address": scope["client"][0] if scope.get("client") else None,
                        "ms": round((time.perf_counter() - began) * 1000, 1),
                    }
                },
            )
            request_id.reset(context)
