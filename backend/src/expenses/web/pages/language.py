"""The language of a request: the one chosen with the switch, else what the browser prefers."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from expenses.i18n.languages import LANGUAGES, negotiated, speaking
from expenses.i18n.text import ENGLISH


class LanguageMiddleware:
    """Stands inside the session's middleware, since the session holds the choice."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with speaking(preferred_language(Request(scope)) or ENGLISH):
            await self.app(scope, receive, send)


def preferred_language(request: Request) -> str | None:
    """None where the request says nothing of it, like most programs'."""
    chosen = request.session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    header = request.headers.get("accept-language")
    return negotiated(header) if header else None
