"""Refuses a change that another web site asked the browser for. No tokens are needed for that."""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from expenses.errors import CrossOrigin
from expenses.web.dependencies import SAFE_METHODS
from expenses.web.problems import respond


class SameOriginMiddleware:
    """Every browser says where a request comes from, in Sec-Fetch-Site or at least in Origin.

    A request that says neither was not sent by a browser's page and has no cookies to abuse.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_change = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if is_change and _comes_from_elsewhere(request := Request(scope)):
            response = await respond(request, CrossOrigin())
            await response(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _comes_from_elsewhere(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
