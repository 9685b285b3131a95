"""How much one request may bring along. The server underneath would read anything."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_000_000


class BodyLimitMiddleware:
    """Refuses a larger body with 413: by its announced length, else as soon as it is reached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            if announced.isdecimal() and int(announced) > LARGEST_BODY:
                raise _too_large()
            message = await receive()
            received += len(message.get("body", b""))
            if received > LARGEST_BODY:
                raise _too_large()
            return message

        await self.app(scope, limited_receive, send)


def _too_large() -> HTTPException:
    # The framework's own type: it passes through the framework's parsing of bodies.
    return HTTPException(413, f"Send at most {LARGEST_BODY // 1_000_000} MB")
