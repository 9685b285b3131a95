"""The unsubscribe link at the end of each mail, which needs no log-in."""

from fastapi import APIRouter, Request, Response

from expenses.notifications.links import user_of_token
from expenses.users.account import switch_mails_off
from expenses.web.dependencies import ConnectionDependency, SettingsDependency
from expenses.web.pages.rendering import render

router = APIRouter(prefix="/mails")


@router.get("/off")
async def ask(request: Request, settings: SettingsDependency, token: str = "") -> Response:
    """Asks first: virus scanners open the links in mails."""
    user_of_token(token, settings)
    return render(request, "mails_off.html", is_done=False)


@router.post("/off")
async def switch_off(
    request: Request,
    connection: ConnectionDependency,
    settings: SettingsDependency,
    token: str = "",
) -> Response:
    """Handles the page's button, and one-click unsubscribing as RFC 8058 describes it."""
    await switch_mails_off(connection, user_of_token(token, settings))
    return render(request, "mails_off.html", is_done=True)
