"""The link at the end of each mail: it switches them off, for whoever is not logged in, too."""

from fastapi import APIRouter, Request, Response

from expenses.notifications.links import user_of_token
from expenses.users.account import switch_mails_off
from expenses.web.dependencies import ConnectionDependency, SettingsDependency
from expenses.web.pages.rendering import render

router = APIRouter(prefix="/mails")


@router.get("/off")
async def ask(request: Request, settings: SettingsDependency, token: str = "") -> Response:
    """Nothing happens yet: what reads mails for viruses opens their links."""
    user_of_token(token, settings)
    return render(request, "mails_off.html", is_done=False)


@router.post("/off")
async def switch_off(
    request: Request,
    connection: ConnectionDependency,
    settings: SettingsDependency,
    token: str = "",
) -> Response:
    """The page's button, and what RFC 8058 has mail programs send at one click."""
    await switch_mails_off(connection, user_of_token(token, settings))
    return render(request, "mails_off.html", is_done=True)
