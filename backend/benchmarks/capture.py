"""What the application says to the database, written down while it answers.

The floor repeats it, so it cannot drift away from what the application does.
"""

import hashlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import event

from benchmarks.people import Keys
from benchmarks.routes import NEW_TICKET, NotAsExpected
from expenses.app import create_app
from expenses.database.engine import Database
from expenses.settings import Settings


@dataclass(frozen=True)
class Statement:
    """As it is sent, with the values that were sent along."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Plan:
    """What the floor sends for each of its routes.

    `*_token` and `*_id` are the values that another request has others for.
    """

    session: Statement
    first: Statement
    deep: Statement
    ticket: Statement
    ticket_id: int
    create: tuple[Statement, ...]
    created_id: int
    approve: tuple[Statement, ...]
    employer_token: bytes
    employee_token: bytes

    def save(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path: Path) -> "Plan":
        plan = pickle.loads(path.read_bytes())  # noqa: S301, this program has written it
        assert isinstance(plan, Plan)
        return plan


async def capture(address: str, keys: Keys, *, deep_path: str, ticket_id: int) -> Plan:
    """Runs the application in this process, on the database of `address`."""
    settings = Settings(
        database_url=address, secret_key=SecretStr("of no importance here, but long enough")
    )
    # Not opened as a whole: it needs no second kind of connections here.
    database = Database(address)
    try:
        app = create_app(settings, database)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            recorder = _Recorder(client, database)
            employer, employee = keys.employer_program, keys.employee_program
            session = (await recorder.statements("GET", "/api/me", employer))[-1]
            create = await recorder.statements("POST", "/api/tickets", employee, NEW_TICKET)
            created_id = recorder.answer["id"]
            approve = f"/api/tickets/{created_id}/approve"
            return Plan(
                session=session,
                first=(await recorder.statements("GET", "/api/tickets", employer))[-1],
                deep=(await recorder.statements("GET", deep_path, employer))[-1],
                ticket=(await recorder.statements("GET", f"/api/tickets/{ticket_id}", employer))[
                    -1
                ],
                ticket_id=ticket_id,
                create=create,
                created_id=created_id,
                approve=await recorder.statements("POST", approve, employer),
                employer_token=token_hash(employer["Authorization"]),
                employee_token=token_hash(employee["Authorization"]),
            )
    finally:
        await database.engine.dispose()


def token_hash(authorization: str) -> bytes:
    return hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()


class _Recorder:
    def __init__(self, client: httpx.AsyncClient, database: Database) -> None:
        self._client, self._database = client, database
        self.answer: Any = None

    async def statements(
        self, method: str, path: str, headers: dict[str, str], body: Any = None
    ) -> tuple[Statement, ...]:
        """What one request sends. The transaction around it goes without saying."""
        with _noted(self._database) as noted:
            answer = await self._client.request(method, path, headers=headers, json=body)
        if answer.is_error:
            raise NotAsExpected(route=path, problem=f"status {answer.status_code}")
        self.answer = answer.json()
        return tuple(noted)


@contextmanager
def _noted(database: Database) -> Iterator[list[Statement]]:
    noted: list[Statement] = []

    def note(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        noted.append(Statement(text, tuple(values)))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(engine, "before_cursor_execute", note)
