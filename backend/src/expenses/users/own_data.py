"""What is kept about a user in tables that are theirs alone."""

from typing import Any

from sqlalchemy import Column, LargeBinary, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.tables import Base
from expenses.users.models import Actor, user_table

# Passwords, and what was made from e-mail and name to compare them.
_LEFT_OUT = {"password_hash", "email_identity", "username_skeleton"}


def personal_tables() -> list[Table]:
    """List the tables of what belongs to one user alone: their rows go when the user's would."""
    return [
        table
        for table in Base.metadata.sorted_tables
        if "user_id" in table.columns
        and any(key.ondelete == "CASCADE" for key in table.columns["user_id"].foreign_keys)
    ]


async def own_rows(connection: AsyncConnection, *, actor: Actor) -> dict[str, Any]:
    """Return the actor's rows by table, as JSON; those of `users` are the account itself."""
    tables = {"users": select(*told_columns(user_table)).where(user_table.c.id == actor.id)}
    for table in personal_tables():
        tables[table.name] = select(*told_columns(table)).where(table.c.user_id == actor.id)
    # In one statement, however many tables there are.
    lists = [_as_json(rows, name) for name, rows in tables.items()]
    found = (await connection.execute(select(*lists))).one()
    return {name: rows or [] for name, rows in zip(tables, found, strict=True)}


def told_columns(table: Table) -> list[Column[Any]]:
    """List the columns that may be told: no hash, secret or ciphertext, which are all binary."""
    return [
        column
        for column in table.columns
        if not isinstance(column.type, LargeBinary) and column.name not in _LEFT_OUT
    ]


def _as_json(rows: Select[*tuple[Any, ...]], name: str) -> Any:
    row = rows.subquery(f"own_{name}").table_valued()
    return select(func.jsonb_agg(func.to_jsonb(row))).scalar_subquery()
