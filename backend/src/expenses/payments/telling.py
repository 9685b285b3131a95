"""Who is told of a payment: each employee once, and the company's other systems."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from prometheus_client import Counter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.database.engine import after_commit
from expenses.i18n.money import with_decimals
from expenses.notifications.outbox import Channel, Subject, announce
from expenses.payments.models import line_table
from expenses.tickets.filters import is_one_of
from expenses.users.models import Actor

PAID = Counter("expenses_paid_tickets", "Tickets that were paid.")


class Run(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def number(self) -> str: ...
    @property
    def currency(self) -> str: ...


class Line(Protocol):
    @property
    def ticket_id(self) -> int: ...
    @property
    def owner_id(self) -> int: ...


async def tell_of_payment(
    connection: AsyncConnection, run: Run, lines: Sequence[Line], event_id: int, *, actor: Actor
) -> None:
    ids = [line.ticket_id for line in lines]
    amounts = {
        row.ticket_id: (row.owner_id, row.amount)
        for row in await connection.execute(
            select(line_table.c.ticket_id, line_table.c.owner_id, line_table.c.amount).where(
                line_table.c.run_id == run.id, is_one_of(line_table.c.ticket_id, ids)
            )
        )
    }
    shares: dict[int, list[Decimal]] = {}
    for owner_id, amount in amounts.values():
        shares.setdefault(owner_id, []).append(amount)
    mails = [
        Subject(owner_id, event_id, facts=_facts(run, sum(share, Decimal()), len(share)))
        for owner_id, share in sorted(shares.items())
    ]
    posts = [
        Subject(owner_id, event_id, ticket_id, _facts(run, amount, 1))
        for ticket_id, (owner_id, amount) in sorted(amounts.items())
    ]
    total = sum((amount for _, amount in amounts.values()), Decimal())
    whole = [Subject(actor.id, event_id, facts=_facts(run, total, len(lines)))]
    said = {"actor_id": actor.id}
    await announce(connection, "payment_run.paid", mails, by=[Channel.MAIL], **said)
    await announce(connection, "payment_run.paid", whole, by=[Channel.WEBHOOK], **said)
    await announce(connection, "ticket.paid", posts, by=[Channel.WEBHOOK], **said)
    after_commit(connection, lambda: PAID.inc(len(lines)))


def _facts(run: Run, amount: Decimal, tickets: int) -> dict[str, str | int]:
    return {
        "run": run.number,
        "run_id": run.id,
        "amount": str(with_decimals(amount, run.currency)),
        "currency": run.currency,
        "tickets": tickets,
    }
