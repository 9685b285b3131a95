"""The documentation page of the API; its scripts come with a package, not from another site."""

from fastapi import APIRouter, Request, Response

from expenses.web.pages.rendering import render

router = APIRouter(prefix="/api", include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> Response:
    return render(request, "docs.html")
