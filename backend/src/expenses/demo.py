"""The demo company: read from `fixtures/`, dated relative to the day it is put in."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import Database
from expenses.errors import CannotStart
from expenses.history import event_table
from expenses.settings import Settings
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.users.models import Role, user_table
from expenses.users.passwords import hash_password

FIXTURES = Path(__file__).parents[3] / "fixtures"
PASSWORD = "try-contoso-2026"  # noqa: S105, it is printed at every start

# Two starts at once seed one after the other. Any number that nobody else uses will do.
_LOCK = 7_301_156

Row = dict[str, Any]


async def seed(address: str, settings: Settings, fixtures: Path = FIXTURES) -> bool:
    """Put the company into a database without users; False where it is in already.

    Raises `CannotStart` where there are other users.
    """
    users, tickets = _read(fixtures, "users.json"), _read(fixtures, "tickets.json")
    password_hash = await hash_password(PASSWORD)
    async with (
        Database(address, settings.database_pooler) as database,
        database.transaction() as connection,
    ):
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if await _is_seeded(connection, users):
            return False
        await _Seeding(connection, datetime.now(UTC), settings).run(users, tickets, password_hash)
    return True


def introduction(address: str) -> str:
    """Where the demo is and who can log in."""
    lines = [f"Contoso Expenses, the demo company, is at {address}", ""]
    for user in _read(FIXTURES, "users.json"):
        note = " (suspended)" if "suspended" in user else ""
        lines.append(f"  {user['role']:<9} {user['email']:<28} {user['username']}{note}")
    return "\n".join([*lines, "", f"  The password of all of them: {PASSWORD}", ""])


def _read(fixtures: Path, name: str) -> list[Row]:
    try:
        rows: list[Row] = json.loads((fixtures / name).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise CannotStart(
            "The demo company is not here: %(path)s is missing.", path=fixtures / name
        ) from None
    return rows


async def _is_seeded(connection: AsyncConnection, users: list[Row]) -> bool:
    there = set(await connection.scalars(select(func.lower(user_table.c.email)).limit(1000)))
    if there and users[0]["email"] not in there:
        raise CannotStart(
            "The database holds other users than those of the demo company. Seed an empty one: "
            "point DATABASE_URL or DATA_DIR somewhere else."
        )
    return bool(there)


class _Seeding:
    """Writes rows and events as the actions would have, only earlier than today."""

    def __init__(self, connection: AsyncConnection, now: datetime, settings: Settings) -> None:
        self._connection = connection
        self._now = now
        self._today = settings.today()
        self._ids: dict[str, int] = {}
        self._events: list[Row] = []

    async def run(self, users: list[Row], tickets: list[Row], password_hash: str) -> None:
        for user in users:
            await self._add_user(user, password_hash)
        for user in users:
            self._note_suspension(user)
        for number, ticket in enumerate(tickets):
            await self._add_ticket(ticket, timedelta(minutes=-number))
        self._events.sort(key=lambda event: event["at"])
        await self._connection.execute(insert(event_table), self._events)

    async def _add_user(self, user: Row, password_hash: str) -> None:
        joined = self._ago(user["joined_days_ago"])
        suspended = user.get("suspended")
        user_id = await self._connection.scalar(
            insert(user_table)
            .values(
                email=user["email"],
                username=user["username"],
                role=Role(user["role"]),
                password_hash=password_hash,
                created_at=joined,
                suspended_at=self._ago(suspended["days_ago"]) if suspended else None,
            )
            .returning(user_table.c.id)
        )
        assert user_id is not None
        self._ids[user["email"]] = user_id
        self._note("user.registered", joined, user["email"], user_id=user_id, role=user["role"])

    def _note_suspension(self, user: Row) -> None:
        if suspended := user.get("suspended"):
            self._note(
                "user.suspended",
                self._ago(suspended["days_ago"]),
                suspended["by"],
                user_id=self._ids[user["email"]],
                reason=suspended.get("reason"),
                sessions_ended=0,
            )

    async def _add_ticket(self, ticket: Row, offset: timedelta) -> None:
        status = TicketStatus(ticket["status"])
        filed = self._ago(ticket["filed_days_ago"]) + offset
        ended = self._ended(ticket, filed)
        fields = {
            "spent_on": self._today - timedelta(days=ticket["spent_days_ago"]),
            "amount": ticket["amount"],
            "currency": ticket["currency"],
            "category": ticket["category"],
            "description": ticket["description"],
            "links": ticket["links"],
        }
        decided_by = ticket.get("decided_by")
        ticket_id = await self._connection.scalar(
            insert(ticket_table)
            .values(
                owner_id=self._ids[ticket["owner"]],
                status=status,
                decided_by_id=self._ids[decided_by] if decided_by else None,
                decided_at=ended if decided_by else None,
                decision_reason=ticket.get("reason"),
                created_at=filed,
                updated_at=ended or filed,
                **fields,
            )
            .returning(ticket_table.c.id)
        )
        created = fields | {"spent_on": str(fields["spent_on"])}
        about = {"ticket_id": ticket_id, "owner": ticket["owner"]}
        self._note("ticket.created", filed, ticket["owner"], **about, **created)
        if ended and decided_by:
            self._note(
                f"ticket.{status}",
                ended,
                decided_by,
                **about,
                reason=ticket.get("reason"),
            )
        elif ended:
            self._note("ticket.withdrawn", ended, ticket["owner"], **about)

    def _ended(self, ticket: Row, filed: datetime) -> datetime | None:
        """When it was decided or withdrawn: never before it was filed, never in the future."""
        days = ticket.get("decided_days_ago", ticket.get("withdrawn_days_ago"))
        if days is None:
            return None
        return min(max(self._ago(days), filed + timedelta(minutes=7)), self._now)

    def _note(
        self,
        action: str,
        at: datetime,
        actor: str,
        *,
        ticket_id: int | None = None,
        owner: str | None = None,
        user_id: int | None = None,
        **details: Any,
    ) -> None:
        self._events.append(
            {
                "at": at,
                "actor_id": self._ids[actor],
                "action": action,
                "ticket_id": ticket_id,
                "owner_id": self._ids[owner] if owner else None,
                "user_id": user_id,
                "details": details,
            }
        )

    def _ago(self, days: int) -> datetime:
        return self._now - timedelta(days=days, hours=3)
