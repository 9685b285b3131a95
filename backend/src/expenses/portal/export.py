"""The tickets listed on "My tickets" as a file."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.errors import NotFound
from expenses.portal.listing import NEWEST_FIRST, Listing
from expenses.users.models import Role
from expenses.web.dependencies import DatabaseDependency, get_current_user
from expenses.web.exports.tickets import MEDIA_TYPES, export_response

router = APIRouter(prefix="/tickets")


@router.get("/export.{kind}")
async def export_tickets(request: Request, kind: str, database: DatabaseDependency) -> Response:
    # No connection is held while the file is written: that takes others, batch after batch.
    async with database.reading() as connection:
        user = await get_current_user(request, connection)
        if kind not in MEDIA_TYPES:
            raise NotFound()
        if user.role is Role.EMPLOYER:
            return RedirectResponse(f"/admin/ticket/export/{kind}?status=all", status_code=303)
        matching = await Listing.of(request.query_params).resolved(connection, actor=user)
    return await export_response(request, kind, actor=user, matching=matching, sort=NEWEST_FIRST)
