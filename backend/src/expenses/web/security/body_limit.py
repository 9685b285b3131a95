"""The limit on a request's body; uvicorn itself has none."""

import re

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_SIZE = 1_000_000
# A file of 10 MB has a form around it, and may become a longer text on its way through the page.
# Forms of the portal bring as many receipts as a ticket may have.
LARGER_BODY_SIZES = (
    (re.compile(r"/tickets/import(/.*)?"), 16_000_000),
    (re.compile(r"/admin/payments/[0-9]+/answer(/save)?"), 11_000_000),
    (re.compile(r"/api/tickets/[0-9]+/receipts"), 11_000_000),
    (re.compile(r"/tickets(/receipts|/[0-9]+/receipts)?"), 106_000_000),
)


class BodyLimitMiddleware:
    """Refuses a larger body with 413: by its announced length, else as soon as it is reached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        largest = largest_body(scope["path"])
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            # Read the header only when a body is read: most requests have none.
            announced = Headers(scope=scope).get("content-length", "0")
            if announced.isdecimal() and int(announced) > largest:
                raise _too_large(largest)
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                raise _too_large(largest)
            return message

        await self.app(scope, limited_receive, send)


def largest_body(path: str) -> int:
    return next((size for paths, size in LARGER_BODY_SIZES if paths.fullmatch(path)), MAX_BODY_SIZE)


def _too_large(largest: int) -> HTTPException:
    # The framework's own type: it passes through the framework's parsing of bodies.
    return HTTPException(413, f"Send at most {largest // 1_000_000} MB")
