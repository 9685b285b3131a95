"""Unexpected errors: logged with the request id and answered with a 500."""

import logging

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from expenses.web.problems import unexpected

logger = logging.getLogger(__name__)


class UnexpectedErrorMiddleware:
    """Answers 500 and does not pass the error on: the server would close the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def note_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, note_start)
        except Exception:
            logger.exception("Unexpected error at %s %r", scope["method"], scope["path"])
            if started:
                raise
            await unexpected(Request(scope))(scope, receive, send)
