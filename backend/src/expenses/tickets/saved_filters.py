"""Filters of the list that a user has named, each for that user alone.

Changes are no events, since nobody else sees them.
"""

from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import InvalidInput, NotFound
from expenses.i18n.text import N_
from expenses.tickets.models import saved_filter_table
from expenses.users.models import Actor

MOST_FILTERS = 20
# Built once, since it is sent with every list.
_OF_ACTOR = (
    select(saved_filter_table.c.name, saved_filter_table.c.query)
    .where(saved_filter_table.c.user_id == bindparam("actor_id"))
    .order_by(saved_filter_table.c.created_at, saved_filter_table.c.name)
)


async def saved_filters(connection: AsyncConnection, *, actor: Actor) -> dict[str, str]:
    """Return the query of each of the actor's filters by its name, the oldest first."""
    rows = await connection.execute(_OF_ACTOR, {"actor_id": actor.id})
    return {row.name: row.query for row in rows}


async def save_filter(connection: AsyncConnection, name: str, query: str, *, actor: Actor) -> None:
    """Keep a filter, in place of the one that has this name. Raises `InvalidInput` for too many."""
    # One after the other: two at once would each find room for one more.
    key = func.hashtextextended(f"saved filters {actor.id}", 0)
    await connection.execute(select(func.pg_advisory_xact_lock(key)))
    names = (await saved_filters(connection, actor=actor)).keys()
    if len(names) >= MOST_FILTERS and name not in names:
        raise InvalidInput({"name": N_("You cannot save any more filters. Remove one first.")})
    new = insert(saved_filter_table).values(user_id=actor.id, name=name, query=query)
    await connection.execute(
        new.on_conflict_do_update(
            index_elements=[saved_filter_table.c.user_id, saved_filter_table.c.name],
            set_={"query": new.excluded.query},
        )
    )


async def remove_filter(connection: AsyncConnection, name: str, *, actor: Actor) -> str:
    """Remove a filter of the actor's and return its query. Raises `NotFound`."""
    query: str | None = await connection.scalar(
        delete(saved_filter_table)
        .where(saved_filter_table.c.user_id == actor.id, saved_filter_table.c.name == name)
        .returning(saved_filter_table.c.query)
    )
    if query is None:
        raise NotFound()
    return query
