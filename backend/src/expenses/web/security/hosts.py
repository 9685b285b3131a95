"""Which hosts are answered for."""

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import Receive, Scope, Send


class HostMiddleware(TrustedHostMiddleware):
    """Lets /metrics pass: Prometheus asks each process by its own address, and has a token."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_for_prometheus = scope["type"] == "http" and scope["path"] == "/metrics"
        await (self.app if is_for_prometheus else super().__call__)(scope, receive, send)
