"""The floor: the smallest program that gives the same answers.

A bare ASGI application that sends the application's own statements through asyncpg and encodes the
rows with orjson. It has no routing, validation or middleware; it only checks the session.
"""

import asyncio
import hashlib
import os
import pickle
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import obstore
import orjson
import uvicorn
from obstore.store import LocalStore

from benchmarks.fill import connection_arguments
from benchmarks.photo import file_of
from benchmarks.recording import Recording, Statement, token_hash
from expenses.database.embedded.data_folder import sync
from expenses.receipts.inspection import inspect

Answer = tuple[int, bytes]
CONNECTIONS = 20


class Floor:
    def __init__(self, database: str, receipts: Path, recording: Recording) -> None:
        self._database, self._recording = database, recording
        self._receipts, self._storage = receipts, LocalStore(receipts)
        self._routes: dict[str, Callable[..., Awaitable[Answer]]] = {
            "first": partial(self._list, recording.first),
            "deep": partial(self._list, recording.deep),
            "ticket": self._ticket,
            "create": self._create,
            "approve": self._approve,
            "receipt": self._receipt,
            "write": self._write_file,
            "read": self._read_file,
            "health": self._health,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        _, name, *number = scope["path"].split("/")
        headers = dict(scope["headers"])
        body = await _body(receive) if scope["method"] == "POST" else b""
        answer = self._routes[name](headers.get(b"authorization", b"").decode(), body, *number)
        status, content = await answer
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": content})

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Open the connections to the database."""
        # Without the round trip that would clean a connection up after each use.
        limits = {"min_size": CONNECTIONS, "max_size": CONNECTIONS, "reset": _nothing}
        arguments = connection_arguments(self._database)
        async with asyncpg.create_pool(**arguments, **limits) as self._pool:
            yield

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        async with self.opened():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _health(self, _authorization: str, _body: bytes) -> Answer:
        return 200, b"{}"

    async def _list(self, statement: Statement, authorization: str, _body: bytes) -> Answer:
        async with self._pool.acquire() as connection:
            if not await self._is_logged_in(connection, authorization):
                return 401, b""
            rows = await connection.fetch(statement.text, *statement.values)
        # The application asks for one more, which tells whether there is a next page.
        return 200, _json({"items": [ticket_json(row) for row in rows[:-1]]})

    async def _ticket(self, authorization: str, _body: bytes, number: str) -> Answer:
        recording = self._recording
        async with self._pool.acquire() as connection:
            if not await self._is_logged_in(connection, authorization):
                return 401, b""
            values = _replaced(recording.ticket.values, {recording.ticket_id: int(number)})
            row = await connection.fetchrow(recording.ticket.text, *values)
        return 200, _json(ticket_json(row))

    async def _create(self, authorization: str, body: bytes) -> Answer:
        orjson.loads(body)
        recording = self._recording
        others = {recording.employee_token: token_hash(authorization)}
        row = await self._write(recording.create, others, created_id=recording.created_id)
        return (201, _json(ticket_json(row))) if row else (401, b"")

    async def _approve(self, authorization: str, _body: bytes, number: str) -> Answer:
        recording = self._recording
        others = {
            recording.employer_token: token_hash(authorization),
            recording.created_id: int(number),
        }
        row = await self._write(recording.approve, others)
        return (200, _json(ticket_json(row))) if row else (401, b"")

    async def _receipt(self, authorization: str, _body: bytes) -> Answer:
        recording = self._recording
        async with self._pool.acquire() as connection:
            if not await self._is_logged_in(connection, authorization):
                return 401, b""
            await connection.fetchrow(recording.receipt.text, *recording.receipt.values)
        found = await obstore.get_async(self._storage, recording.receipt_file)
        return 200, bytes(await found.bytes_async())

    async def _write_file(self, _authorization: str, body: bytes) -> Answer:
        path = file_of(hashlib.sha256(body).hexdigest())
        await obstore.put_async(self._storage, path, body, mode="create")
        await asyncio.to_thread(_sync, self._receipts, path)
        return 201, b"{}"

    async def _read_file(self, authorization: str, body: bytes) -> Answer:
        await inspect(body)
        return await self._write_file(authorization, body)

    async def _write(
        self, statements: tuple[Statement, ...], others: dict[Any, Any], created_id: int = 0
    ) -> Any:
        """Send all statements in one transaction, and return the row of the last one.

        The first one checks the session: without one, None is returned.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            for number, statement in enumerate(statements):
                values = _replaced(statement.values, others)
                row = await connection.fetchrow(statement.text, *values)
                if number == 0 and row is None:
                    return None
                if created_id and statement.text.startswith("INSERT INTO tickets"):
                    others[created_id] = row["id"]
        return row

    async def _is_logged_in(self, connection: Any, authorization: str) -> bool:
        recording = self._recording
        values = _replaced(
            recording.session.values, {recording.employer_token: token_hash(authorization)}
        )
        return await connection.fetchrow(recording.session.text, *values) is not None


def ticket_json(row: Any) -> dict[str, Any]:
    """Build the API's ticket; the columns are those of `TicketView`."""
    # fmt: off
    (
        number, owner_id, owner_username, owner_email, spent_on, amount, currency, category,
        description, merchant, links, status, decided_by_id, decided_by_username, decided_at,
        decision_reason, paid_at, created_at, updated_at,
    ) = row
    # fmt: on
    return {
        "id": number,
        "owner": {"id": owner_id, "username": owner_username, "email": owner_email},
        "spent_on": spent_on,
        "amount": str(amount),
        "currency": currency,
        "category": category,
        "description": description,
        "merchant": merchant,
        "links": links,
        "status": status,
        "decision": decided_by_id
        and {
            "by": {"id": decided_by_id, "username": decided_by_username},
            "at": decided_at,
            "reason": decision_reason,
        },
        "payment": None if status != "approved" else "due" if paid_at is None else "paid",
        "created_at": created_at,
        "updated_at": updated_at,
    }


def _replaced(values: Sequence[Any], others: dict[Any, Any]) -> list[Any]:
    return [
        _replaced(value, others) if isinstance(value, list) else others.get(value, value)
        for value in values
    ]


def _json(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_UTC_Z)


async def _body(receive: Any) -> bytes:
    pieces, has_more = [], True
    while has_more:
        message = await receive()
        pieces.append(message["body"])
        has_more = message.get("more_body", False)
    return b"".join(pieces)


def _sync(top: Path, path: str) -> None:
    """Make a new file survive a power cut."""
    file = top / path
    for each in (file, *list(file.parents)[:3]):
        sync(each)


async def _nothing(_connection: Any) -> None: ...


def main() -> None:
    """Arguments: the port, the file of the recording.

    DATABASE_URL names the database, DATA_DIR where the receipts are.
    """
    recording: Recording = pickle.loads(Path(sys.argv[2]).read_bytes())  # noqa: S301, by `run`
    uvicorn.run(
        Floor(os.environ["DATABASE_URL"], Path(os.environ["DATA_DIR"]) / "receipts", recording),
        port=int(sys.argv[1]),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
