"""Who may do what with payment runs: `ensure_can_*` raises."""

from collections.abc import Collection

from expenses.errors import Forbidden, OwnTicket
from expenses.i18n.text import N_
from expenses.settings import Settings
from expenses.users.models import Actor, Role


def can_pay(actor: Actor) -> bool:
    return actor.role is Role.EMPLOYER


def ensure_can_pay(actor: Actor) -> None:
    if not can_pay(actor):
        raise Forbidden(N_("Only employers can see and make payment runs."))


def ensure_pays_others(actor: Actor, owner_ids: Collection[int]) -> None:
    """Raises `OwnTicket`: nobody confirms or notes a payment to themselves."""
    if actor.id in owner_ids:
        raise OwnTicket(
            N_(
                "You cannot pay a ticket of your own. "
                "Take it out of the run, or let another employer do this."
            )
        )


def can_be_paid(actor: Actor) -> bool:
    return actor.role is Role.EMPLOYEE


def ensure_can_be_paid(actor: Actor) -> None:
    if not can_be_paid(actor):
        raise Forbidden(N_("Only employees are paid, so only they have payout details."))


def can_confirm(actor: Actor, created_by_id: int, settings: Settings) -> bool:
    """Say whether four eyes, where they are asked for, have seen the run."""
    return settings.payment_approval != "second-employer" or actor.id != created_by_id


def ensure_can_confirm(actor: Actor, created_by_id: int, settings: Settings) -> None:
    if not can_confirm(actor, created_by_id, settings):
        raise Forbidden(N_("Another employer has to confirm a payment run that you made."))
