"""The receipts of tickets, with what an approver should know of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.receipts.claims import Claim, claims_of
from expenses.receipts.invoices import Difference, differences
from expenses.receipts.policy import lacks_receipt
from expenses.receipts.queries import ReceiptView, receipts_of
from expenses.settings import Settings
from expenses.tickets.queries import TicketView
from expenses.users.models import Actor


@dataclass(frozen=True)
class Papers:
    """All by the ticket's id, but for `claims`, which are by the receipt's."""

    receipts: dict[int, list[ReceiptView]]
    claims: dict[int, list[Claim]]
    differences: dict[int, list[Difference]]
    lacking: set[int]

    def claims_of_ticket(self, ticket_id: int) -> list[Claim]:
        """Return each earlier ticket once, however many files it shares."""
        of_all = [
            claim
            for receipt in self.receipts.get(ticket_id, [])
            for claim in self.claims.get(receipt.id, [])
        ]
        return list({claim.ticket_id: claim for claim in reversed(of_all)}.values())


async def papers_of(
    connection: AsyncConnection,
    tickets: Sequence[TicketView],
    *,
    actor: Actor,
    settings: Settings,
) -> Papers:
    """Find what belongs to tickets that the actor is known to see."""
    receipts = await receipts_of(connection, [ticket.id for ticket in tickets])
    every = [receipt for of_ticket in receipts.values() for receipt in of_ticket]
    return Papers(
        receipts=receipts,
        claims=await claims_of(connection, every, actor=actor),
        differences={
            ticket.id: differences(
                ticket,
                [each.invoice for each in receipts.get(ticket.id, []) if each.invoice],
            )
            for ticket in tickets
        },
        lacking={
            ticket.id
            for ticket in tickets
            if lacks_receipt(
                ticket.amount, ticket.currency, len(receipts.get(ticket.id, [])), settings
            )
        },
    )
