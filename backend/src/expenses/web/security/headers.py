"""Security headers of every response, errors included."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Only what comes from here, and no script or style inside a page. Tabler's style sheet holds its
# small pictures as data.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TWO_YEARS = 2 * 365 * 24 * 60 * 60


class SecurityHeadersMiddleware:
    """Outermost, so that every response has them."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self.app = app
        headers = dict(ALWAYS)
        if https:
            headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}; includeSubDomains"
        # As they are sent: nothing inside sets any of them.
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        # Everything but static files is personal, or changes.
        self._not_cached = [*self._headers, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def add_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                may_be_kept = any(name.lower() == b"cache-control" for name, _ in headers)
                added = self._headers if may_be_kept else self._not_cached
                message["headers"] = [*headers, *added]
            await send(message)

        await self.app(scope, receive, add_headers)
