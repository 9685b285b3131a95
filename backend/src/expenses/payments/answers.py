"""The bank's answer to a run: which bookings pay whom, and marking that as paid."""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import InvalidInput
from expenses.i18n.text import N_
from expenses.payments.actions import pay_run
from expenses.payments.bookings import Booking
from expenses.payments.files import payment_id, payment_text
from expenses.payments.models import RunStatus, line_table
from expenses.payments.queries import RunView, Share, get_fixed_run, shares_of
from expenses.payments.schemas import Payment
from expenses.payments.sepa_text import sepa_text
from expenses.payments.steps import lock_run
from expenses.settings import Settings
from expenses.users.models import Actor

# More than any bank's remittance text.
MAX_LENGTH = 2000


class Match(NamedTuple):
    """A booking that belongs to an employee's share of the run."""

    share: Share
    booking: Booking


class Answer(NamedTuple):
    """What a bank's answer says of a run.

    `different` bookings are of another amount, `unclear` ones could be anybody's or come twice, and
    `others` is how many belong to something else.
    """

    run: RunView
    matches: Sequence[Match]
    paid_before: Sequence[Match]
    different: Sequence[Match]
    unclear: Sequence[Booking]
    others: int


async def match_answer(
    connection: AsyncConnection,
    run_id: int,
    bookings: Sequence[Booking],
    *,
    actor: Actor,
    settings: Settings,
) -> Answer:
    """Find out whom the bookings pay; changes nothing. Raises `NotFound`, `RunChanged`."""
    run = await get_fixed_run(connection, run_id, actor=actor)
    shares = [
        share for share in await shares_of(connection, run_id, actor=actor) if not share.is_hidden
    ]
    found, unclear, rest = _by_id(run, shares, bookings)
    paid_by_id = {match.share.owner_id for match in found}
    by_text, more_unclear, others = _by_text(run, shares, rest, paid_by_id, settings)
    matches: list[Match] = []
    paid_before: list[Match] = []
    different: list[Match] = []
    for match in [*found, *by_text]:
        if not _fits(match.booking, match.share.amount_to_pay, run.currency):
            different.append(match)
        elif match.share.unpaid_tickets:
            matches.append(match)
        else:
            paid_before.append(match)
    return Answer(run, matches, paid_before, different, [*unclear, *more_unclear], others)


async def mark_as_paid(
    connection: AsyncConnection,
    run_id: int,
    bookings: Sequence[Booking],
    *,
    actor: Actor,
    settings: Settings,
) -> int:
    """Mark whom the bookings pay as paid, on the dates of the bank, and return how many tickets.

    Raises `NotFound`, `RunChanged`, `InvalidInput`.
    """
    await lock_run(connection, run_id, RunStatus.CONFIRMED, actor=actor)
    answer = await match_answer(connection, run_id, bookings, actor=actor, settings=settings)
    if not answer.matches:
        raise InvalidInput({"file": N_("Nothing in this file pays an unpaid ticket of this run.")})
    unpaid = await _unpaid_tickets(connection, run_id)
    paid: defaultdict[date, list[int]] = defaultdict(list)
    for match in answer.matches:
        paid[match.booking.date or settings.today()] += unpaid[match.share.owner_id]
    return sum(
        [
            await pay_run(
                connection,
                run_id,
                Payment(paid_on=day, tickets=sorted(tickets)),
                actor=actor,
                settings=settings,
            )
            for day, tickets in sorted(paid.items())
        ]
    )


def _by_id(
    run: RunView, shares: Iterable[Share], bookings: Iterable[Booking]
) -> tuple[list[Match], list[Booking], list[Booking]]:
    """Match by the ids that the run's own file has; one that comes twice is unclear."""
    by_id = {payment_id(run.number, share): share for share in shares}
    found: dict[str, Match] = {}
    unclear, rest = [], []
    for booking in bookings:
        key = booking.id if booking.id in by_id else booking.text
        if key is None or key not in by_id:
            rest.append(booking)
        elif key in found:
            unclear.append(booking)
        else:
            found[key] = Match(by_id[key], booking)
    return list(found.values()), unclear, rest


def _by_text(
    run: RunView,
    shares: Iterable[Share],
    bookings: Iterable[Booking],
    paid_by_id: Container[int],
    settings: Settings,
) -> tuple[list[Match], list[Booking], int]:
    """Match by text and amount, where as many bookings as employees have both alike.

    Those who are paid count: a booking may be theirs, seen for the second time.
    """
    by_text: defaultdict[str, list[Share]] = defaultdict(list)
    for share in shares:
        by_text[_words(payment_text(run.number, share, settings))].append(share)
    alike: defaultdict[tuple[str, Decimal | None], list[Booking]] = defaultdict(list)
    others = 0
    for booking in bookings:
        said = _words(booking.text or "")
        text = next((text for text in by_text if text in said), None)
        if text is None:
            others += 1
        else:
            alike[text, booking.amount].append(booking)
    matches: list[Match] = []
    unclear: list[Booking] = []
    for (text, amount), group in alike.items():
        fitting = [share for share in by_text[text] if share.amount_to_pay == amount]
        if len(by_text[text]) == len(group) == 1:
            fitting = by_text[text]
        if len(fitting) == len(group) and not any(
            share.owner_id in paid_by_id for share in fitting
        ):
            pairs = zip(fitting, group, strict=True)
            matches += [Match(share, booking) for share, booking in pairs]
        else:
            unclear += group
    return matches, unclear, others


def _fits(booking: Booking, due: Decimal, currency: str) -> bool:
    """A table of references alone has no amounts."""
    return booking.amount in {None, due} and booking.currency in {None, currency}


def _words(text: str) -> str:
    """Reduce a text to its words in Latin letters: banks break lines and leave out marks."""
    return f" {' '.join(re.findall('[a-z0-9]+', sepa_text(text, MAX_LENGTH).casefold()))} "


async def _unpaid_tickets(connection: AsyncConnection, run_id: int) -> dict[int, list[int]]:
    rows = await connection.execute(
        select(line_table.c.owner_id, line_table.c.ticket_id).where(
            line_table.c.run_id == run_id, line_table.c.paid_at.is_(None)
        )
    )
    found: defaultdict[int, list[int]] = defaultdict(list)
    for owner_id, ticket_id in rows:
        found[owner_id].append(ticket_id)
    return found
