"""The payment runs of the demo company, as the actions would have made them, only earlier."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row as Selected
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.payments.models import RunStatus, line_table, run_table
from expenses.payments.queries import is_due, is_free
from expenses.tickets.filters import is_one_of
from expenses.tickets.models import ticket_table

Row = dict[str, Any]


async def insert_runs(
    connection: AsyncConnection, runs: list[Row], ids: dict[str, int], now: datetime, today: date
) -> list[Row]:
    """Insert each run with all that was due in its currency by then; returns the events."""
    events: list[Row] = []
    numbers: Counter[int] = Counter()
    for run in sorted(runs, key=lambda run: -run["drafted_days_ago"]):
        row = _run_row(run, ids, now)
        year = (today - timedelta(days=run["drafted_days_ago"])).year
        numbers[year] += 1
        row["number"] = f"{year}-{numbers[year]:03d}"
        tickets = await _due_by(connection, row["created_at"], run["currency"])
        statement = insert(run_table).values(row).returning(run_table.c.id)
        run_id: int = (await connection.execute(statement)).scalar_one()
        await _insert_lines(connection, run_id, row, tickets, _paid_at(run, now))
        for step in _steps(run, row, now):
            events += _events(step, run_id, row["number"], tickets)
    return events


def _run_row(run: Row, ids: dict[str, int], now: datetime) -> Row:
    row: Row = {
        "currency": run["currency"],
        "status": RunStatus.DRAFT,
        "created_by_id": ids[run["drafted_by"]],
        "created_at": _before(now, run["drafted_days_ago"]),
    }
    if "confirmed_by" in run:
        row |= {
            "status": RunStatus.PAID,
            "confirmed_by_id": ids[run["confirmed_by"]],
            "confirmed_at": _before(now, run["confirmed_days_ago"]),
            "paid_on": _before(now, run["paid_days_ago"]).date(),
            "reference": run["reference"],
        }
    if voided := run.get("voided"):
        row |= {
            "status": RunStatus.VOIDED,
            "ended_by_id": ids[voided["by"]],
            "ended_at": _before(now, voided["days_ago"]),
            "reason": voided["reason"],
        }
    return row


async def _due_by(
    connection: AsyncConnection, instant: datetime, currency: str
) -> Sequence[Selected[*tuple[Any, ...]]]:
    columns = ticket_table.c.id, ticket_table.c.owner_id, ticket_table.c.amount
    query = (
        select(*columns)
        .where(is_due(), is_free(), ticket_table.c.currency == currency)
        .where(ticket_table.c.decided_at < instant)
        .order_by(ticket_table.c.id)
    )
    return (await connection.execute(query)).all()


async def _insert_lines(
    connection: AsyncConnection,
    run_id: int,
    run: Row,
    tickets: Sequence[Selected[*tuple[Any, ...]]],
    paid_at: datetime | None,
) -> None:
    is_active = run["status"] is not RunStatus.VOIDED
    lines = [
        {
            "ticket_id": ticket.id,
            "run_id": run_id,
            "owner_id": ticket.owner_id,
            "amount": ticket.amount,
            "is_active": is_active,
            "paid_at": paid_at,
        }
        for ticket in tickets
    ]
    await connection.execute(insert(line_table), lines)
    if paid_at is not None:
        await connection.execute(
            update(ticket_table)
            .where(is_one_of(ticket_table.c.id, [ticket.id for ticket in tickets]))
            .values(
                paid_at=paid_at if is_active else None,
                updated_at=paid_at if is_active else run["ended_at"],
            )
        )


def _steps(run: Row, row: Row, now: datetime) -> Iterator[Row]:
    """Each with the names that it has in the histories of the run and of its tickets."""
    names = "created", "added_to_payment_run"
    yield {"names": names, "at": row["created_at"], "by": row["created_by_id"], "details": {}}
    if "confirmed_by" not in run:
        return
    by, names = row["confirmed_by_id"], ("confirmed", "payment_confirmed")
    yield {"names": names, "at": row["confirmed_at"], "by": by, "details": {}}
    paid = {"paid_on": str(row["paid_on"]), "reference": row["reference"]}
    yield {"names": ("paid", "paid"), "at": _paid_at(run, now), "by": by, "details": paid}
    if "voided" in run:
        names, details = ("voided", "payment_voided"), {"reason": row["reason"]}
        yield {"names": names, "at": row["ended_at"], "by": row["ended_by_id"], "details": details}


def _events(
    step: Row, run_id: int, number: str, tickets: Sequence[Selected[*tuple[Any, ...]]]
) -> Iterator[Row]:
    of_run, of_ticket = step["names"]
    common = {"at": step["at"], "actor_id": step["by"], "user_id": None}
    yield common | {
        "action": f"payment_run.{of_run}",
        "ticket_id": None,
        "owner_id": None,
        "details": {"run": number, "run_id": run_id, "tickets": len(tickets)} | step["details"],
    }
    for ticket in tickets:
        yield common | {
            "action": f"ticket.{of_ticket}",
            "ticket_id": ticket.id,
            "owner_id": ticket.owner_id,
            "details": {"run": number} | step["details"],
        }


def _paid_at(run: Row, now: datetime) -> datetime | None:
    return _before(now, run["paid_days_ago"]) if "paid_days_ago" in run else None


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days, hours=2)
