"""Every route that an application answers, found out at run time."""

from collections.abc import Iterator, Sequence

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from sqladmin import Admin, ModelView
from starlette.routing import BaseRoute, Mount, Route


def routes_of(app: FastAPI) -> set[tuple[str, str]]:
    """Methods and paths of what was added to the application, included in it or mounted under it.

    HEAD is left out. Where SQLAdmin's path leaves a view open there is one for each view.
    """
    return set(_routes(app.routes))


def _routes(routes: Sequence[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    for route in iter_route_contexts(routes):
        path, original = f"{prefix}{route.path}", route.original_route
        if isinstance(original, Route):
            for closed in _with_views(path, original):
                yield from ((method, closed) for method in (route.methods or set()) - {"HEAD"})
        elif isinstance(original, Mount) and original.routes:
            yield from _routes(original.routes, path)
        elif isinstance(original, Mount):
            yield "GET", f"{path}/{{path:path}}"
        else:
            raise AssertionError(f"Nobody here knows yet what {original!r} answers.")


def _with_views(path: str, route: Route) -> list[str]:
    console = getattr(route.endpoint, "__self__", None)
    if "{identity}" not in path or not isinstance(console, Admin):
        return [path]
    return [
        path.replace("{identity}", view.identity)
        for view in console.views
        if isinstance(view, ModelView)
    ]
