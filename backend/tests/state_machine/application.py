"""The real application on a real database, for callers that do not wait: one loop of its own."""

import asyncio
from functools import cache
from typing import Any

import httpx
from sqlalchemy import select, text

from expenses.database.engine import Database
from expenses.database.tables import Base
from expenses.history import Event
from expenses.web.security.cookies import SESSION
from tests.harness import cookie, make_settings, new_database, usual_app
from tests.payment_consistency import inconsistencies


@cache
def address() -> str:
    return new_database()


class Application:
    """Everything that people did before is forgotten when it opens."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._database = Database(address())
        app = usual_app()
        app.state.database, app.state.settings = self._database, make_settings(
            # Everybody comes from one address, and often.
            login_attempts=1000,
            address_attempts=1000,
            address_registrations=1000,
        )
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://localhost",
        )
        self._runner.run(self._database.__aenter__())
        self._runner.run(self._forget())

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.run(self._database.__aexit__())
        self._runner.close()

    def call(self, token: str | None, method: str, path: str, **parts: Any) -> httpx.Response:
        """The API; `parts` as httpx takes them."""
        headers = parts.pop("headers", {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self._runner.run(
            self._client.request(method, f"/api{path}", headers=headers, **parts)
        )

    def page(self, token: str, path: str, form: dict[str, Any] | None = None) -> httpx.Response:
        """A page as a browser gets it, or what a form leads to."""
        method = "GET" if form is None else "POST"
        headers = {"Cookie": f"{SESSION}={cookie(token)}"}
        return self._runner.run(self._client.request(method, path, data=form, headers=headers))

    def events(self) -> list[tuple[Any, ...]]:
        return self._runner.run(self._events())

    async def _events(self) -> list[tuple[Any, ...]]:
        query = select(
            Event.action, Event.actor_id, Event.ticket_id, Event.user_id, Event.details
        ).order_by(Event.id)
        async with self._database.reading() as connection:
            return [tuple(row) for row in await connection.execute(query)]

    def inconsistencies(self) -> list[str]:
        return self._runner.run(inconsistencies(self._rows))

    def lines(self) -> list[tuple[int, int, bool]]:
        """The tickets that are in a run, with the run, and whether they are paid."""
        query = "SELECT ticket_id, run_id, paid_at IS NOT NULL FROM payment_lines WHERE is_active"
        return [tuple(row) for row in self._runner.run(self._rows(query))]

    async def _rows(self, query: str) -> list[Any]:
        async with self._database.reading() as connection:
            return list(await connection.execute(text(query)))

    async def _forget(self) -> None:
        tables = ", ".join(Base.metadata.tables)
        async with self._database.transaction() as connection:
            # Or the history would refuse to be emptied.
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
