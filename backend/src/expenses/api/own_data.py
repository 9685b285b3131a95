"""The download of everything that is kept about oneself."""

from fastapi import APIRouter, Request, Response

from expenses.web.dependencies import CurrentUserDependency
from expenses.web.exports.own_data import own_data_response
from expenses.web.exports.zip_file import MEDIA_TYPE
from expenses.web.openapi import Responses, session_read_problems

router = APIRouter(prefix="/api", tags=["account"])

_ZIP: Responses = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/me/data", response_class=Response, responses=session_read_problems() | _ZIP)
async def get_own_data(request: Request, user: CurrentUserDependency) -> Response:
    """Everything that is kept about you, as a ZIP: account, tickets, receipts and history."""
    return own_data_response(request, actor=user)
