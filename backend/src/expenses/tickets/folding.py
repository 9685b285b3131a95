"""Keeping the sums of tickets: adding to them what has changed, or counting everything anew."""

from typing import Any

from sqlalchemy import (
    CTE,
    Date,
    FromClause,
    Select,
    Table,
    and_,
    cast,
    delete,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import constant
from expenses.tickets.models import TicketStatus, ticket_table
from expenses.tickets.sum_models import (
    change_table,
    day_table,
    due_table,
    employee_table,
    hidden_table,
    month_table,
)
from expenses.tickets.sums import COUNTED, are_suspended, month_of, shown_changes

_IS_TABLE = "SELECT relkind = 'r' FROM pg_class WHERE oid = to_regclass('ticket_changes')"


async def fold(connection: AsyncConnection) -> None:
    """Add to the sums what has changed since the last time."""
    if not await _begin(connection):
        return
    noted = delete(change_table).returning(*change_table.c).cte("noted")
    await _add(connection, noted, noted)
    # Nobody asks for years that have passed.
    await connection.execute(delete(employee_table).where(employee_table.c.year_to < _first_year()))


async def recount(connection: AsyncConnection) -> None:
    """Add up all tickets anew, which takes seconds for each million; people can go on working."""
    if not await _begin(connection):
        return
    for table in (day_table, month_table, employee_table, due_table, hidden_table):
        await connection.execute(delete(table))
    tickets = (
        select(
            ticket_table.c.owner_id,
            ticket_table.c.status,
            ticket_table.c.spent_on,
            ticket_table.c.currency,
            ticket_table.c.category,
            and_(
                ticket_table.c.status == constant(TicketStatus.APPROVED),
                ticket_table.c.paid_at.is_(None),
            ).label("is_due"),
            constant(1).label("number"),
            ticket_table.c.amount,
        )
        .where(ticket_table.c.status.in_(COUNTED))
        .subquery()
    )
    await _add(connection, tickets, delete(change_table).cte("noted"))


async def _begin(connection: AsyncConnection) -> bool:
    """One after the other, for as long as it takes; nobody who reads or files tickets waits.

    Returns False for a database that is distributed, where the changes are a view of all tickets.
    """
    if not await connection.scalar(text(_IS_TABLE)):
        return False
    await connection.execute(text("SET LOCAL statement_timeout = 0"))
    await connection.execute(text("LOCK TABLE hidden_in_sums IN EXCLUSIVE MODE"))
    return True


async def _add(connection: AsyncConnection, changes: FromClause, noted: CTE) -> None:
    """In one statement, so that all of it is about the same moment."""
    shown = shown_changes(changes)
    is_approved = shown.c.status == constant(TicketStatus.APPROVED)
    by_day = _sums(shown, shown.c.status, shown.c.spent_on, shown.c.currency)
    by_month = _sums(shown, month_of(shown.c.spent_on), shown.c.currency, shown.c.category)
    due = _sums(changes, changes.c.owner_id, changes.c.currency).where(changes.c.is_due)
    added = [
        noted,
        _added(day_table, by_day),
        _added(month_table, by_month.where(is_approved)),
        _added(employee_table, _years_of(changes)),
        _added(due_table, due),
        *_hidden(),
    ]
    await connection.execute(select(literal(True)).add_cte(*added))
    # The days on which nothing is pending any more.
    await connection.execute(delete(day_table).where(day_table.c.number == 0))


def _added(table: Table, sums: Select[Any]) -> CTE:
    new = insert(table).from_select([column.name for column in table.c], sums)
    return new.on_conflict_do_update(
        index_elements=_key(table),
        set_={
            "number": table.c.number + new.excluded.number,
            "amount": table.c.amount + new.excluded.amount,
        },
    ).cte(f"added_to_{table.name}")


def _key(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


def _sums(changes: FromClause, *by: Any) -> Select[Any]:
    """In the order of the columns of the tables; sorted, so that what is read together lies so."""
    sums = func.sum(changes.c.number), func.sum(changes.c.amount)
    return select(*by, *sums).group_by(*by).order_by(*by)


def _years_of(changes: FromClause) -> Select[Any]:
    """A month is in twelve years: in the one that ends with it, and in those that end later."""
    later = func.generate_series(0, 11).table_valued("months").render_derived()
    year_to = cast(month_of(changes.c.spent_on) + func.make_interval(0, later.c.months), Date)
    return (
        _sums(changes, year_to, changes.c.currency, changes.c.owner_id)
        .join(later, literal(True))
        .where(
            changes.c.status == constant(TicketStatus.APPROVED),
            year_to >= _first_year(),
        )
    )


def _first_year() -> Any:
    """The present month; two days ago in UTC, since the company's may not have begun."""
    return cast(func.date_trunc("month", func.now() - func.make_interval(0, 0, 0, 2)), Date)


def _hidden() -> tuple[CTE, CTE]:
    shown = delete(hidden_table).where(hidden_table.c.owner_id.not_in(are_suspended()))
    hidden = insert(hidden_table).from_select(["owner_id"], are_suspended())
    return shown.cte("shown"), hidden.on_conflict_do_nothing().cte("hidden")
