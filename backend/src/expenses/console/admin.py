"""SQLAdmin as it is used here: its views, menu and templates, and none of its own writes."""

from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI
from sqladmin import Admin
from sqladmin.authentication import login_required
from sqladmin.templating import Jinja2Templates
from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from expenses.console.authentication import EmployersOnly
from expenses.console.views import ReadOnlyView
from expenses.database import Database
from expenses.web.pages import TEMPLATES, prepare

HERE = Path(__file__).parent

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
            templates_dir=str(HERE / "templates"),
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
        templates = _Templates(self.templates_dir)
        # Nothing in them has anything to wait for, and asking each value costs a third of a page.
        templates.env = templates.env.overlay(
            loader=jinja2.FileSystemLoader([HERE / "templates", TEMPLATES]),
            enable_async=False,
            auto_reload=False,
        )
        prepare(templates.env)
        return templates

    @login_required
    async def list(self, request: Request) -> Response:
        view = self._find_model_view(request.path_params["identity"])
        assert isinstance(view, ReadOnlyView)
        return await view.list_page(request)

    @login_required
    async def index(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/admin/ticket/list", 303)


class _Templates(Jinja2Templates):
    async def TemplateResponse(  # type: ignore[override]  # noqa: N802
        self,
        request: Request,
        name: str,
        context: dict[str, Any] | None = None,
        status_code: int = 200,
    ) -> Response:
        values = {"request": request} | (context or {})
        return HTMLResponse(self.env.get_template(name).render(values), status_code)
