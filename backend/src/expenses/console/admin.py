"""SQLAdmin with its views, routes and authentication, but none of its own writes.

Two attributes of its inner application are replaced: the routes, which leaves out 11 of 14, and the
middleware stack, so that all three doors answer errors alike.
"""

from fastapi import FastAPI
from sqladmin import Admin
from sqladmin.authentication import login_required
from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import EmployersOnly
from expenses.console.views import ReadOnlyView
from expenses.database.engine import Database
from expenses.errors import NotFound

# Everything else that SQLAdmin brings is taken away: create, edit, delete, import, export and
# look-ups go past the core, its log-in page is a second one, its log-out is a link.
KEPT_ROUTES = {"index", "list", "details"}


class Console(Admin):
    def __init__(
        self, app: FastAPI, database: Database, authentication_backend: EmployersOnly
    ) -> None:
        super().__init__(
            app,
            # A maker of its own: SQLAdmin changes the settings of the one it gets.
            session_maker=async_sessionmaker(database.engine),
            title="Contoso Expenses",
            authentication_backend=authentication_backend,
        )
        self.admin.router.routes = [
            route
            for route in self.admin.router.routes
            if getattr(route, "name", None) in KEPT_ROUTES
        ]
        self.admin.state = app.state
        # Errors are answered by the application around it, as those of the other doors are.
        self.admin.middleware_stack = self.admin.router

    @login_required
    async def list(self, request: Request) -> Response:
        return await self._requested_view(request).list_page(request)

    @login_required
    async def details(self, request: Request) -> Response:
        return await self._requested_view(request).details_page(request)

    @login_required
    async def index(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/admin/ticket/list", 303)

    def _requested_view(self, request: Request) -> ReadOnlyView:
        for view in self.views:
            if isinstance(view, ReadOnlyView) and view.identity == request.path_params["identity"]:
                return view
        raise NotFound()
