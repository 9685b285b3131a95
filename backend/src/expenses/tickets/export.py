"""All tickets that match, batch after batch, however many there are; and what they come to."""

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
    """Of one currency."""

    tickets: int = 0
    amount: Decimal = Decimal(0)


class Totals(dict[str, Total]):
    """By currency, exact, over all tickets that were added."""

    def add(self, tickets: Iterable[TicketView]) -> None:
        for ticket in tickets:
            total = self.setdefault(ticket.currency, Total())
            total.tickets += 1
            total.amount += ticket.amount


async def ticket_batches(
    database: Database, *, actor: Actor, matching: TicketFilter, sort: Sort
) -> AsyncIterator[Sequence[TicketView]]:
    """What `actor` sees of it, in the order of `sort`.

    Each batch goes on behind the last ticket of the one before and gives its connection back, so
    that whoever reads slowly keeps neither a connection nor a transaction open. The price: there
    is no one moment that all batches show. What is filed, hidden or changed meanwhile may be in
    or not, and a ticket whose day or amount changes may move past the place being read.
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
