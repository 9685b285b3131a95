"""The download of everything that is kept about oneself."""

from fastapi import APIRouter, Request, Response

from expenses.web.dependencies import CurrentUserDependency
from expenses.web.exports.own_data import own_data_response

router = APIRouter(prefix="/account")


@router.get("/data.zip")
async def download_own_data(request: Request, user: CurrentUserDependency) -> Response:
    return own_data_response(request, actor=user)
