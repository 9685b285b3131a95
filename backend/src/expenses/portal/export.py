"""The tickets listed on "My tickets" as a file."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.portal.listing import NEWEST_FIRST, Listing
from expenses.users.models import Role
from expenses.web.dependencies import ConnectionDependency, CurrentUserDependency
from expenses.web.exports.tickets import export_response

router = APIRouter(prefix="/tickets")


@router.get("/export.csv")
async def export_tickets(
    request: Request, user: CurrentUserDependency, connection: ConnectionDependency
) -> Response:
    if user.role is Role.EMPLOYER:
        return RedirectResponse("/admin/ticket/export/csv?status=all", status_code=303)
    matching = await Listing.of(request.query_params).resolved(connection, actor=user)
    return await export_response(request, "csv", actor=user, matching=matching, sort=NEWEST_FIRST)
