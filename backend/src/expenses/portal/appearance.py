"""Choosing light or dark pages; without a choice, the system decides."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput
from expenses.i18n.text import N_
from expenses.web.pages.forms import FormDependency
from expenses.web.pages.rendering import local_path

SYSTEM = ""
THEMES = (SYSTEM, "light", "dark")

router = APIRouter()


@router.post("/appearance")
async def choose_appearance(request: Request, form: FormDependency) -> Response:
    """Keeps the choice in the browser's cookie, like the language."""
    if form["theme"] not in THEMES:
        raise InvalidInput({"theme": N_("Choose System, Light or Dark.")})
    request.session["theme"] = form["theme"]
    return RedirectResponse(local_path(form["next"]), status_code=303)
