"""All matching tickets in batches, and their totals by currency."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from expenses.database.engine import Database
from expenses.tickets.filters import Position, Sort, TicketFilter
from expenses.tickets.lists import list_tickets
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor

# What one statement reads, and what is in memory at a time.
BATCH_SIZE = 500


@dataclass
class Total:
    """The number of tickets of one currency, and their sum."""

    tickets: int = 0
    amount: Decimal = Decimal(0)


class Totals(dict[str, Total]):
    """Exact totals by currency of all tickets added."""

    def add(self, tickets: Iterable[TicketView]) -> None:
        for ticket in tickets:
            total = self.setdefault(ticket.currency, Total())
            total.tickets += 1
            total.amount += ticket.amount


async def ticket_batches(
    database: Database, *, actor: Actor, matching: TicketFilter, sort: Sort
) -> AsyncIterator[Sequence[TicketView]]:
    """Read all matching tickets that `actor` sees, batch after batch, in the order of `sort`.

    Each batch starts after the last ticket of the one before and returns its connection, so that a
    slow reader holds neither a connection nor a transaction. The price: what is filed, hidden or
    changed meanwhile may or may not be included.
    """
    position: Position | None = None
    while True:
        async with database.reading() as connection:
            page = await list_tickets(
                connection,
                actor=actor,
                matching=matching,
                sort=sort,
                position=position,
                limit=BATCH_SIZE,
            )
        if page.items:
            yield page.items
        if page.next is None:
            return
        position = page.next
