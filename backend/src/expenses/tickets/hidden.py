"""What a suspension hides, so that an export made before it stays explainable."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.i18n.money import with_decimals
from expenses.tickets.models import TicketStatus, ticket_table


async def tickets_to_hide(connection: AsyncConnection, owner_id: int) -> list[dict[str, Any]]:
    """Count and sum up somebody's tickets in each currency, as the history keeps it."""
    is_approved = ticket_table.c.status == TicketStatus.APPROVED
    rows = await connection.execute(
        select(
            ticket_table.c.currency,
            func.count().label("tickets"),
            func.sum(ticket_table.c.amount).label("amount"),
            func.count().filter(is_approved).label("approved_tickets"),
            func.coalesce(func.sum(ticket_table.c.amount).filter(is_approved), 0).label("approved"),
        )
        .where(ticket_table.c.owner_id == owner_id)
        .group_by(ticket_table.c.currency)
        .order_by(ticket_table.c.currency)
    )
    return [
        {
            "currency": row.currency,
            "tickets": row.tickets,
            "amount": str(with_decimals(row.amount, row.currency)),
            "approved_tickets": row.approved_tickets,
            "approved_amount": str(with_decimals(row.approved, row.currency)),
        }
        for row in rows
    ]
