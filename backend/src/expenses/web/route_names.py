"""What a request is called where nobody is to learn what was asked for, or by whom."""

from starlette.routing import Route
from starlette.types import Scope

# Anybody can send others.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"


def method_of(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in METHODS else "other"


def route_of(scope: Scope) -> str:
    """Of a request that was routed: the path with the names of what varies, not their values."""
    mount: str = scope.get("root_path", "")
    route = scope.get("route")
    return f"{mount}{route.path}" if isinstance(route, Route) else mount or NO_ROUTE
