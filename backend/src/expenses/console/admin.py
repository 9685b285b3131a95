"""SQLAdmin as it is used here: its views, menu and templates, and none of its own writes."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqladmin import Admin
from sqladmin.authentication import login_required
from sqladmin.templating import Jinja2Templates
from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from expenses.console.authentication import EmployersOnly
from expenses.console.views import ReadOnlyView
from expenses.database.engine import Database
from expenses.web.pages.templating import environment

TEMPLATES = Path(__file__).parent / "templates"

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
            templates_dir=str(TEMPLATES),
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

    def init_templating_engine(self) -> Jinja2Templates:
        return _Templates(self.templates_dir)

    @login_required
    async def list(self, request: Request) -> Response:
        view = self._find_model_view(request.path_params["identity"])
        assert isinstance(view, ReadOnlyView)
        return await view.list_page(request)

    @login_required
    async def index(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/admin/ticket/list", 303)


class _Templates(Jinja2Templates):
    """Past SQLAdmin's own environment: nothing in the templates here has anything to wait for, and
    asking each value costs a third of a page."""

    async def TemplateResponse(  # type: ignore[override]  # noqa: N802
        self,
        request: Request,
        name: str,
        context: dict[str, Any] | None = None,
        status_code: int = 200,
    ) -> Response:
        values = {"request": request} | (context or {})
        template = environment.get_template(name)
        return HTMLResponse(template.render(values), status_code)
