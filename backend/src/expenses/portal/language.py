"""Choosing the language of the pages."""

from contextlib import suppress

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.errors import InvalidInput, NotLoggedIn
from expenses.i18n.languages import LANGUAGES
from expenses.i18n.text import N_
from expenses.users.account import choose_language as remember_language
from expenses.users.sessions import authenticate
from expenses.web.dependencies import database_of, token_of
from expenses.web.pages.forms import FormDependency
from expenses.web.pages.rendering import local_path, render

router = APIRouter()


@router.get("/language")
async def language_page(request: Request) -> Response:
    """A page of its own, since the log-in page has one button and no other."""
    return render(
        request, "languages.html", here=local_path(request.query_params.get("next")), user=None
    )


@router.post("/language")
async def choose_language(request: Request, form: FormDependency) -> Response:
    """Keeps the choice in the browser's cookie, for users who are not logged in, too."""
    if form["language"] not in LANGUAGES:
        raise InvalidInput({"language": N_("This language is not available.")})
    request.session["language"] = form["language"]
    if token_of(request):
        await _remember(request, form["language"])
    return RedirectResponse(local_path(form["next"]), status_code=303)


async def _remember(request: Request, language: str) -> None:
    """Use the language for mails as well, if the user is logged in."""
    with suppress(NotLoggedIn):
        async with database_of(request).transaction() as connection:
            user = await authenticate(connection, token_of(request), lock=True)
            await remember_language(connection, language, actor=user)
