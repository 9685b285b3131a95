"""What the console's two lists have in common."""

from abc import abstractmethod
from typing import ClassVar

from sqladmin import ModelView
from starlette.requests import Request
from starlette.responses import Response

from expenses.errors import NotFound


class ReadOnlyView(ModelView):
    """A list, and a page for each row. Changes are POST endpoints that call the core's actions."""

    can_create: ClassVar[bool] = False
    can_edit: ClassVar[bool] = False
    can_delete: ClassVar[bool] = False
    can_export: ClassVar[bool] = False
    can_import: ClassVar[bool] = False

    @abstractmethod
    async def list_page(self, request: Request) -> Response:
        """Render the list; with a message where the address asks for something unreadable."""

    @abstractmethod
    async def details_page(self, request: Request) -> Response:
        """Render the page of one row. Raises `NotFound`."""


def id_of(request: Request) -> int:
    """Read the row's id from the address, where SQLAdmin takes any text for a key."""
    text: str = request.path_params["pk"]
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise NotFound()
    return int(text)
