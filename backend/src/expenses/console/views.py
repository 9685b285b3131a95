"""What the console's two lists have in common."""

from abc import abstractmethod
from typing import Any, ClassVar

from sqladmin import ModelView
from starlette.requests import Request
from starlette.responses import Response

from expenses.console.pagination import keyset_page
from expenses.errors import InvalidInput, NotFound
from expenses.web.pages.rendering import page_context


class ReadOnlyView(ModelView):
    """A list, and a page for each row. Changes are POST endpoints that call the core's actions."""

    can_create: ClassVar[bool] = False
    can_edit: ClassVar[bool] = False
    can_delete: ClassVar[bool] = False
    can_export: ClassVar[bool] = False
    can_import: ClassVar[bool] = False

    async def list_page(self, request: Request) -> Response:
        """The list; where the address asks for something unreadable, the page that says so."""
        errors: dict[str, str] = {}
        try:
            pagination = await self.list(request)
        except InvalidInput as error:
            pagination, errors = keyset_page([], None), error.fields
        context = {"model_view": self, "pagination": pagination, "errors": errors}
        return await self.templates.TemplateResponse(
            request,
            self.list_template,
            await self.list_context(request) | context,
            status_code=422 if errors else 200,
        )

    async def list_context(self, request: Request) -> dict[str, Any]:
        return page_context(request)

    async def details_context(self, request: Request) -> dict[str, Any]:
        return page_context(request)

    async def get_object_for_details(self, request: Request) -> Any:
        """SQLAdmin asks twice: once to check, once to show."""
        if not hasattr(request.state, "row"):
            request.state.row = await self.load(request, _id_in(request.path_params["pk"]))
        return request.state.row

    @abstractmethod
    async def load(self, request: Request, row_id: int) -> Any:
        """What the details page shows. Raises `NotFound`."""


def _id_in(text: str) -> int:
    """SQLAdmin takes any text for a key."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise NotFound()
    return int(text)
