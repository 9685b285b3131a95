"""The files by which a bank pays a run: who is in one, and who is left out and why."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from expenses.errors import InvalidInput, NobodyToPay, NoCompanyAccount
from expenses.history import record
from expenses.i18n.text import N_
from expenses.payments.models import FIXED, RunStatus
from expenses.payments.payout import PayoutDetails, payout_details_of
from expenses.payments.policy import ensure_pays_others
from expenses.payments.queries import RunView, Share, get_fixed_run, shares_of
from expenses.payments.steps import lock_run
from expenses.settings import Settings
from expenses.users.models import Actor


class FileKind(StrEnum):
    SEPA = "sepa"
    CSV = "csv"


class WhyLeftOut(StrEnum):
    NO_DETAILS = "no-details"
    IN_CASH = "in-cash"
    PAID = "paid"
    HIDDEN = "hidden"


class Payee(NamedTuple):
    """What an employee gets; `id` and `text` come back in the bank's statement."""

    share: Share
    amount: Decimal
    id: str
    text: str
    details: PayoutDetails


class LeftOut(NamedTuple):
    share: Share
    why: WhyLeftOut


class RunFile(NamedTuple):
    """Who is in a file and who is not; a bank pays no two files with the same id."""

    id: str
    kind: FileKind
    run: RunView
    payees: Sequence[Payee]
    left_out: Sequence[LeftOut]

    @property
    def amount(self) -> Decimal:
        return sum((payee.amount for payee in self.payees), Decimal())


async def make_file(
    connection: AsyncConnection, run_id: int, kind: FileKind, *, actor: Actor, settings: Settings
) -> RunFile:
    """Say what goes into a file of a confirmed or a paid run, and record that it was made.

    Raises `NotFound`, `RunChanged`, `InvalidInput`, `NoCompanyAccount`, `NobodyToPay`.
    """
    await lock_run(connection, run_id, *FIXED, actor=actor)
    if kind is FileKind.SEPA and settings.company_iban is None:
        raise NoCompanyAccount()
    file = await preview_file(connection, run_id, kind, actor=actor, settings=settings)
    if not file.payees:
        raise NobodyToPay(run=file.run.number)
    ensure_pays_others(actor, [payee.share.owner_id for payee in file.payees])
    await record(
        connection,
        "payment_run.file_made",
        actor_id=actor.id,
        run=file.run.number,
        run_id=run_id,
        kind=kind.value,
        employees=len(file.payees),
        left_out=len(file.left_out),
    )
    return file


async def preview_file(
    connection: AsyncConnection,
    run_id: int,
    kind: FileKind | None = None,
    *,
    actor: Actor,
    settings: Settings,
) -> RunFile:
    """Say what a file would hold; without a kind, the one that fits the currency.

    Raises `NotFound`, `Forbidden`, `RunChanged`, `InvalidInput`.
    """
    run = await get_fixed_run(connection, run_id, actor=actor)
    kind = kind or (FileKind.SEPA if run.currency == "EUR" else FileKind.CSV)
    if kind is FileKind.SEPA and run.currency != "EUR":
        raise InvalidInput({"kind": N_("SEPA pays in EUR alone. Use a CSV file.")})
    shares = await shares_of(connection, run_id, actor=actor)
    owners = [share.owner_id for share in shares]
    details = await payout_details_of(connection, owners, settings)
    payees: list[Payee] = []
    left_out: list[LeftOut] = []
    for share in shares:
        found = details.get(share.owner_id)
        why = _why_left_out(run, share, found, kind)
        if why or found is None:
            left_out.append(LeftOut(share, why or WhyLeftOut.NO_DETAILS))
        else:
            payees.append(_payee(run, share, found, settings))
    return RunFile(_file_id(run, shares), kind, run, payees, left_out)


def payment_id(number: str, share: Share) -> str:
    """Name what an employee gets; where some of it is paid, the rest has a name of its own."""
    return f"{number}-{share.owner_id}{_rest(share.unpaid_tickets, share.tickets)}"


def payment_text(number: str, share: Share, settings: Settings) -> str:
    """Say what employees read in their own statement; banks take it in English alone."""
    tickets = share.unpaid_tickets or share.tickets
    return f"{settings.company} {number}, {tickets} expense{'' if tickets == 1 else 's'}"


def _payee(run: RunView, share: Share, details: PayoutDetails, settings: Settings) -> Payee:
    return Payee(
        share,
        share.amount_to_pay,
        payment_id(run.number, share),
        payment_text(run.number, share, settings),
        details,
    )


def _why_left_out(
    run: RunView, share: Share, details: PayoutDetails | None, kind: FileKind
) -> WhyLeftOut | None:
    if share.is_hidden:
        return WhyLeftOut.HIDDEN
    if share.in_cash:
        return WhyLeftOut.IN_CASH
    if run.status is RunStatus.CONFIRMED and not share.unpaid_tickets:
        return WhyLeftOut.PAID
    if details is None or (kind is FileKind.SEPA and details.iban is None):
        return WhyLeftOut.NO_DETAILS
    return None


def _file_id(run: RunView, shares: Sequence[Share]) -> str:
    """A run has one name, so that a bank takes it once; what is left after some was paid, another.

    Cash does not count: it changes nothing that a bank pays.
    """
    by_bank = [share for share in shares if not share.in_cash]
    unpaid = sum(share.unpaid_tickets for share in by_bank)
    return f"EXPENSES-{run.number}{_rest(unpaid, sum(share.tickets for share in by_bank))}"


def _rest(unpaid: int, tickets: int) -> str:
    return f"-R{unpaid}" if 0 < unpaid < tickets else ""
