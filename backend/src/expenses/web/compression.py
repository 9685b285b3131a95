"""Compressed answers for those who take them: browsers."""

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

LEVEL = 5
# Exports are streamed: each of their pieces is to leave at once.
NOT_COMPRESSED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)


class CompressionMiddleware(GZipMiddleware):
    """Most programs do not ask for it, and then nothing has to look through what they are sent.

    Their answers do not say that they vary by encoding; a cache may give the plain one to anybody.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, compresslevel=LEVEL, exclude_content_types=NOT_COMPRESSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = any(
            name == b"accept-encoding" and b"gzip" in value
            for name, value in scope.get("headers", ())
        )
        await (super().__call__ if asks else self.app)(scope, receive, send)
