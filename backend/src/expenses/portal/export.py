"""What the page "My tickets" lists, as a file."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.portal.listing import NEWEST_FIRST, Listing
from expenses.users.models import Role
from expenses.web.dependencies import CurrentUserDependency, SessionDependency
from expenses.web.exports.tickets import export_response

router = APIRouter(prefix="/tickets")


@router.get("/export.csv")
async def export_tickets(
    request: Request, user: CurrentUserDependency, session: SessionDependency
) -> Response:
    if user.role is Role.EMPLOYER:
        return RedirectResponse("/admin/ticket/export/csv?status=all", status_code=303)
    matching = await Listing.of(request.query_params).resolved(session, actor=user)
    return export_response(request, "csv", actor=user, matching=matching, sort=NEWEST_FIRST)
