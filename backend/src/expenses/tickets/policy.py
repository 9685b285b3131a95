"""Who may do what with tickets: `can_*` answers, `ensure_can_*` raises."""

from typing import Protocol

from expenses.errors import Forbidden
from expenses.i18n.text import N_
from expenses.tickets.models import TicketStatus
from expenses.users.models import Actor, Role


class OwnedTicket(Protocol):
    """A ticket as far as the rules need to know it: a row of a list, or the entity."""

    @property
    def owner_id(self) -> int: ...
    @property
    def status(self) -> TicketStatus: ...


def can_create(actor: Actor) -> bool:
    return actor.role is Role.EMPLOYEE


def ensure_can_create(actor: Actor) -> None:
    if not can_create(actor):
        raise Forbidden(N_("Only employees file tickets."))


def can_change(actor: Actor, ticket: OwnedTicket) -> bool:
    """Whether `actor` may edit or withdraw it right now."""
    return ticket.owner_id == actor.id and ticket.status is TicketStatus.PENDING


def ensure_owns(actor: Actor, ticket: OwnedTicket) -> None:
    if ticket.owner_id != actor.id:
        raise Forbidden(N_("Only the owner edits or withdraws a ticket."))


def can_decide(actor: Actor, ticket: OwnedTicket) -> bool:
    """Whether `actor` may approve or deny it right now."""
    return actor.role is Role.EMPLOYER and ticket.status is TicketStatus.PENDING


def can_reopen(actor: Actor, ticket: OwnedTicket) -> bool:
    """Whether `actor` may undo its decision right now."""
    is_decided = ticket.status in (TicketStatus.APPROVED, TicketStatus.DENIED)
    return actor.role is Role.EMPLOYER and is_decided


def ensure_can_decide(actor: Actor) -> None:
    if actor.role is not Role.EMPLOYER:
        raise Forbidden(N_("Only employers decide tickets."))
