"""The demo company, read from `fixtures/` and dated relative to today."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.demo_payments import insert_runs
from expenses.errors import CannotStart
from expenses.history import event_table
from expenses.receipts.actions import StoredReceipt, columns_of, store
from expenses.receipts.cleaning import keep_file
from expenses.receipts.models import receipt_table
from expenses.receipts.storage import Storage, open_storage
from expenses.settings import Settings
from expenses.tickets.hidden import tickets_to_hide
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.users.models import Role, user_table
from expenses.users.passwords import hash_password

FIXTURES = Path(__file__).parents[3] / "fixtures"
# What the receipts are dated, so that each can be given the date of its ticket.
RECEIPT_DATE = date(2000, 1, 1)
PASSWORD = "try-contoso-2026"  # noqa: S105, it is printed at every start

# Two starts at once seed one after the other. Any number that nobody else uses will do.
_LOCK = 7_301_156

# Fields that a ticket and its event take from the file as they are.
_COPIED = ("amount", "currency", "category", "description", "merchant", "links")
_NOTHING = {"ticket_id": None, "owner_id": None, "user_id": None}

Row = dict[str, Any]
# Each with the position of its ticket.
Receipts = list[tuple[int, StoredReceipt]]


async def seed(address: str, settings: Settings, fixtures: Path = FIXTURES) -> bool:
    """Insert the company into a database without users; return False if it is there already.

    Raises `CannotStart` where there are other users.
    """
    users, tickets = _read(fixtures, "users.json"), _read(fixtures, "tickets.json")
    payments, today = _read(fixtures, "payments.json"), settings.today()
    async with Database(address, settings.database_pooler) as database:
        async with database.reading() as connection:
            if await _is_seeded(connection, users):
                return False
        # Before the transaction, since reading them takes seconds.
        storage = open_storage(settings)
        receipts = await _store_receipts(storage, fixtures / "receipts", tickets, today)
        password_hash = await hash_password(PASSWORD)
        async with database.transaction() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            if await _is_seeded(connection, users):
                return False
            for _, file in receipts:
                await keep_file(connection, storage, file.sha256, file.inspection)
            await _insert_company(
                connection, users, tickets, receipts, payments, password_hash, today
            )
    return True


def introduction(address: str) -> str:
    """Say where the demo is and who can log in."""
    lines = [f"Contoso Expenses, the demo company, is at {address}", ""]
    for user in _read(FIXTURES, "users.json"):
        note = " (suspended)" if "suspended" in user else ""
        lines.append(f"  {user['role']:<9} {user['email']:<28} {user['username']}{note}")
    return "\n".join([*lines, "", f"  The password of all of them: {PASSWORD}", ""])


def _read(fixtures: Path, name: str) -> list[Row]:
    rows: list[Row] = json.loads(_read_bytes(fixtures / name))
    return rows


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise CannotStart("The demo company is not here: %(path)s is missing.", path=path) from None


async def _is_seeded(connection: AsyncConnection, users: list[Row]) -> bool:
    there = set(await connection.scalars(select(func.lower(user_table.c.email)).limit(1000)))
    if there and users[0]["email"] not in there:
        raise CannotStart(
            "The database holds other users than those of the demo company. Seed an empty one: "
            "point DATABASE_URL or DATA_DIR somewhere else."
        )
    return bool(there)


async def _insert_company(
    connection: AsyncConnection,
    users: list[Row],
    tickets: list[Row],
    receipts: Receipts,
    payments: list[Row],
    password_hash: str,
    today: date,
) -> None:
    """Insert rows and events as the actions would have written them, only earlier."""
    now = datetime.now(UTC)
    user_rows = [_user_row(user, now, password_hash) for user in users]
    user_ids = await _insert(connection, user_table, user_rows)
    ids = {user["email"]: user_id for user, user_id in zip(users, user_ids, strict=True)}
    ticket_rows = [
        # No two are filed at the same moment.
        _ticket_row(ticket, ids, now, today, offset=timedelta(minutes=-number))
        for number, ticket in enumerate(tickets)
    ]
    ticket_ids = await _insert(connection, ticket_table, ticket_rows)
    events = [event for user in users for event in _user_events(user, ids, now)]
    for event in events:
        if event["action"] == "user.suspended":
            event["details"]["hidden"] = await tickets_to_hide(connection, event["user_id"])
    for ticket_id, row in zip(ticket_ids, ticket_rows, strict=True):
        events += _ticket_events(ticket_id, row)
    for number, file in receipts:
        ticket_id, row = ticket_ids[number], ticket_rows[number]
        receipt = _receipt_row(ticket_id, row, file)
        await connection.execute(insert(receipt_table).values(receipt))
        events.append(_receipt_event(ticket_id, row, file))
    events += await insert_runs(connection, payments, ids, now, today)
    await _insert(connection, event_table, sorted(events, key=lambda event: event["at"]))


async def _store_receipts(
    storage: Storage, folder: Path, tickets: list[Row], today: date
) -> Receipts:
    """Read every receipt as if it had just been uploaded, dated like its ticket."""

    async def store_one(number: int, name: str) -> tuple[int, StoredReceipt]:
        day = today - timedelta(days=tickets[number]["spent_days_ago"])
        content = dated(_read_bytes(folder / name), day)
        return number, await store(storage, name, content)

    return await asyncio.gather(
        *(
            store_one(number, name)
            for number, ticket in enumerate(tickets)
            for name in ticket.get("receipts", [])
        )
    )


def dated(content: bytes, day: date) -> bytes:
    """Give a receipt another date, in both ways in which dates are written."""
    for form in ("%Y-%m-%d", "%Y%m%d"):
        content = content.replace(f"{RECEIPT_DATE:{form}}".encode(), f"{day:{form}}".encode())
    return content


async def _insert(connection: AsyncConnection, table: Table, rows: list[Row]) -> Sequence[int]:
    """Insert the rows; their ids, in the same order."""
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    ids: Sequence[int] = (await connection.execute(statement, rows)).scalars().all()
    return ids


def _user_row(user: Row, now: datetime, password_hash: str) -> Row:
    suspended = user.get("suspended")
    return {
        "email": user["email"],
        "username": user["username"],
        "role": Role(user["role"]),
        "password_hash": password_hash,
        "created_at": _before(now, user["joined_days_ago"]),
        "suspended_at": _before(now, suspended["days_ago"]) if suspended else None,
    }


def _ticket_row(
    ticket: Row, ids: dict[str, int], now: datetime, today: date, *, offset: timedelta
) -> Row:
    filed = _before(now, ticket["filed_days_ago"]) + offset
    ended = _ended(ticket, filed, now)
    decided_by = ticket.get("decided_by")
    return {
        "owner_id": ids[ticket["owner"]],
        "spent_on": today - timedelta(days=ticket["spent_days_ago"]),
        **{name: ticket[name] for name in _COPIED},
        "status": TicketStatus(ticket["status"]),
        "decided_by_id": ids[decided_by] if decided_by else None,
        "decided_at": ended if decided_by else None,
        "decision_reason": ticket.get("reason"),
        "created_at": filed,
        "updated_at": ended or filed,
    }


def _ended(ticket: Row, filed: datetime, now: datetime) -> datetime | None:
    """When it was decided or withdrawn: never before it was filed, never in the future."""
    days = ticket.get("decided_days_ago", ticket.get("withdrawn_days_ago"))
    if days is None:
        return None
    return min(max(_before(now, days), filed + timedelta(minutes=7)), now)


def _user_events(user: Row, ids: dict[str, int], now: datetime) -> Iterator[Row]:
    user_id = ids[user["email"]]
    about = _NOTHING | {"user_id": user_id}
    joined = _before(now, user["joined_days_ago"])
    yield about | {
        "action": "user.registered",
        "at": joined,
        "actor_id": user_id,
        "details": {"role": user["role"]},
    }
    if suspended := user.get("suspended"):
        yield about | {
            "action": "user.suspended",
            "at": _before(now, suspended["days_ago"]),
            "actor_id": ids[suspended["by"]],
            "details": {"reason": suspended.get("reason"), "sessions_ended": 0},
        }


def _ticket_events(ticket_id: int, row: Row) -> Iterator[Row]:
    about = _NOTHING | {"ticket_id": ticket_id, "owner_id": row["owner_id"]}
    yield about | {
        "action": "ticket.created",
        "at": row["created_at"],
        "actor_id": row["owner_id"],
        "details": {
            "spent_on": str(row["spent_on"]),
            **{name: row[name] for name in _COPIED if row[name] is not None},
        },
    }
    if row["status"] is not TicketStatus.PENDING:
        decided_by = row["decided_by_id"]
        yield about | {
            "action": f"ticket.{row['status']}",
            "at": row["updated_at"],
            "actor_id": decided_by or row["owner_id"],
            "details": {"reason": row["decision_reason"]} if decided_by else {},
        }


def _receipt_row(ticket_id: int, ticket: Row, file: StoredReceipt) -> Row:
    about = {"ticket_id": ticket_id, "owner_id": ticket["owner_id"]}
    return about | columns_of(file) | {"added_at": ticket["created_at"]}


def _receipt_event(ticket_id: int, ticket: Row, file: StoredReceipt) -> Row:
    return _NOTHING | {
        "ticket_id": ticket_id,
        "owner_id": ticket["owner_id"],
        "action": "ticket.receipt_added",
        "at": ticket["created_at"],
        "actor_id": ticket["owner_id"],
        "details": {"name": file.name, "size": file.size, "sha256": file.sha256},
    }


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days, hours=3)
