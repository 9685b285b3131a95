"""Recording the application's statements for the floor, which repeats them."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import event

from benchmarks.photo import file_of, receipt_photo
from benchmarks.routes import NEW_TICKET, deep_path
from benchmarks.sample import Headers, Sample
from expenses.app import create_app
from expenses.database.engine import Database
from expenses.settings import Settings


@dataclass(frozen=True)
class Statement:
    """A statement as it was sent, with its values."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Recording:
    """The floor replaces the `*_token` and `*_id` values by those of the request it answers."""

    session: Statement
    first: Statement
    deep: Statement
    ticket: Statement
    ticket_id: int
    create: tuple[Statement, ...]
    created_id: int
    approve: tuple[Statement, ...]
    receipt: Statement
    receipt_path: str
    receipt_file: str
    employer_token: bytes
    employee_token: bytes


async def record(address: str, headers: Headers, sample: Sample, data_dir: Path) -> Recording:
    """Run the application in this process, and write down what it sends."""
    settings = Settings(
        database_url=address, secret_key=SecretStr(secrets.token_urlsafe(48)), data_dir=data_dir
    )
    employer, employee = headers.employer_api, headers.employee_api
    async with Database(address) as database:
        transport = httpx.ASGITransport(create_app(settings, database))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            async def send(
                method: str, path: str, user: dict[str, str], **body: Any
            ) -> tuple[httpx.Response, tuple[Statement, ...]]:
                with _statements(database) as sent:
                    answer = await client.request(method, path, headers=user, **body)
                return answer.raise_for_status(), tuple(sent)

            filed, _ = await send("POST", "/api/tickets", employee, json=NEW_TICKET)
            receipts = f"/api/tickets/{filed.json()['id']}/receipts"
            photo = {"file": ("lunch.jpg", receipt_photo(0))}
            added, _ = await send("POST", receipts, employee, files=photo)
            receipt_path = f"{receipts}/{added.json()['id']}"
            filed, create = await send("POST", "/api/tickets", employee, json=NEW_TICKET)
            created_id: int = filed.json()["id"]
            _, (*_, session) = await send("GET", "/api/me", employer)
            _, (*_, first) = await send("GET", "/api/tickets", employer)
            _, (*_, deep) = await send("GET", deep_path(sample), employer)
            _, (*_, ticket) = await send("GET", f"/api/tickets/{sample.approved_id}", employer)
            _, (*_, receipt) = await send("GET", receipt_path, employer)
            _, approve = await send("POST", f"/api/tickets/{created_id}/approve", employer)
    return Recording(
        session=session,
        first=first,
        deep=deep,
        ticket=ticket,
        ticket_id=sample.approved_id,
        create=create,
        created_id=created_id,
        approve=approve,
        receipt=receipt,
        receipt_path=receipt_path,
        receipt_file=file_of(added.json()["sha256"]),
        employer_token=token_hash(employer["Authorization"]),
        employee_token=token_hash(employee["Authorization"]),
    )


def token_hash(authorization: str) -> bytes:
    return hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()


@contextmanager
def _statements(database: Database) -> Iterator[list[Statement]]:
    """Collect what is sent meanwhile, except BEGIN and COMMIT."""
    sent: list[Statement] = []

    def note(_connection: Any, _cursor: Any, text: str, values: Any, *_: Any) -> None:
        sent.append(Statement(text, tuple(values)))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
