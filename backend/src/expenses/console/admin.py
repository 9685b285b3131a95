"""SQLAdmin as it is used here: its views, menu and templates, and none of its own writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from fastapi import FastAPI
from sqladmin import Admin
from sqladmin.authentication import login_required
from sqladmin.pagination import Pagination
from sqladmin.templating import Jinja2Templates
from sqlalchemy.ext.asyncio import async_sessionmaker
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from expenses.console.authentication import EmployersOnly
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
        templates = super().init_templating_engine()
        templates.env.loader = jinja2.FileSystemLoader([HERE / "templates", TEMPLATES])
        prepare(templates.env)
        return templates

    @login_required
    async def index(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/admin/ticket/list", 303)


@dataclass
class KeysetPage(Pagination):
    """A page without a number: what matters is where the next one begins."""

    next_cursor: str | None = None

    def add_pagination_urls(self, base_url: URL) -> None:
        """The template builds the only two addresses there are."""


def keyset_page(rows: Sequence[object], next_cursor: str | None) -> KeysetPage:
    return KeysetPage(
        rows=[*rows], page=1, page_size=max(len(rows), 1), count=len(rows), next_cursor=next_cursor
    )
