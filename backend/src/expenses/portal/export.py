"""An employee's own tickets as a file."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from expenses.tickets.search import Sort, TicketFilter
from expenses.users.models import Role
from expenses.web.exports import export_response
from expenses.web.requests import CurrentUserDependency

router = APIRouter(prefix="/tickets")


@router.get("/export.csv")
async def export_tickets(request: Request, user: CurrentUserDependency) -> Response:
    if user.role is Role.EMPLOYER:
        return RedirectResponse("/admin/ticket/export/csv?status=all", status_code=303)
    return export_response(
        request, "csv", actor=user, matching=TicketFilter(), sort=Sort.FILED_LAST
    )
