"""HTML from templates, and what every page knows."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from expenses.errors import ExpensesError
from expenses.i18n.formats import Formats
from expenses.i18n.languages import LANGUAGES, current_language, sentence
from expenses.web.dependencies import is_safe, settings_of
from expenses.web.pages.templating import environment


def render(
    request: Request, template: str, *, status_code: int = 200, **context: Any
) -> HTMLResponse:
    content = environment.get_template(template).render(page_context(request) | context)
    return HTMLResponse(content, status_code)


def page_context(request: Request) -> dict[str, Any]:
    """What every page knows."""
    return {
        "request": request,
        "user": getattr(request.state, "user", None),
        "flashes": request.session.pop("flashes", []) if "session" in request.scope else [],
        "formats": Formats(settings_of(request), current_language()),
        "theme": request.session.get("theme", "") if "session" in request.scope else "",
        "language": current_language().replace("_Hans", "").replace("_", "-"),
        "languages": LANGUAGES,
        "oidc_name": settings_of(request).oidc_name,
        "here": return_path(request),
    }


def flash(
    request: Request,
    message: str,
    kind: str = "success",
    *,
    undo: str | None = None,
    **fields: str,
) -> None:
    """Say something on the next page; `kind` is success, warning or danger.

    With `undo`, the message has a button that posts `fields` there to take back what it says.
    """
    way_back = {"address": undo, "fields": fields} if undo else None
    request.session.setdefault("flashes", [])
    request.session["flashes"] = [*request.session["flashes"], [kind, message, way_back]]


def return_path(request: Request) -> str:
    """Where the person is, as an address that can be opened."""
    if is_safe(request):
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    # A form was sent: its page can be opened again, its target may not be.
    return urlsplit(request.headers.get("referer", "/")).path or "/"


def refuse_at(request: Request, path: str, error: ExpensesError, kind: str = "warning") -> Response:
    """Say an error on the page from which one can go on."""
    flash(request, sentence(error), kind)
    return RedirectResponse(path, status_code=303)


def local_path(address: str | None, default: str = "/") -> str:
    """`address` if it leads to a page of this site, else `default`."""
    if not address or not address.isprintable() or "\\" in address:
        return default
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or address[1:2] == "/":
        return default
    return address
